"""What a report says of a pending task: what it runs, where it stands, and what it waits for."""

import asyncio
import gc
import sys

import pytest

from pytest_reqleak.agent.resources import pending_tasks


class Ours:
    """A future as servers make them."""

    def __init__(self, future):
        self._future = future

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        self._future._asyncio_future_blocking = True
        return self._future


async def receive(future):
    await Ours(future)


RECEIVING = receive.__code__.co_firstlineno + 1


async def serve(future):
    await receive(future)


async def story_of(coroutine, *, cancel=False):
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    if cancel:
        task.cancel()
    (story,) = [story for story in pending_tasks(gc.get_objects()) if coroutine.__name__ in story]
    task.cancel()
    return story


def test_the_innermost_frame_has_a_name_of_its_own():
    async def check():
        return await story_of(serve(asyncio.get_running_loop().create_future()))

    assert (
        f"test_task_stories.serve, in test_task_stories.receive at test_task_stories.py:{RECEIVING}, "
        "waiting for test_task_stories.Ours"
    ) == asyncio.run(check())


def test_what_is_asyncios_own_is_told_by_the_frame_that_waits():
    async def wait(event):
        await event.wait()

    story = asyncio.run(story_of(wait(asyncio.Event())))

    assert ", waiting in asyncio.locks." in story


@pytest.mark.skipif(sys.version_info < (3, 11), reason="cancellations are not counted before Python 3.11")
def test_a_task_that_a_cancellation_has_not_ended_is_told():
    async def stubborn(event):
        try:
            await event.wait()
        except asyncio.CancelledError:
            await event.wait()

    story = asyncio.run(story_of(stubborn(asyncio.Event()), cancel=True))

    assert story.endswith(" in spite of having been cancelled")
