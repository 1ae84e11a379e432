"""Tasks that were made without their initialiser, as some servers do, are left alone."""

import asyncio
import gc

from pytest_reqleak.agent.loops import unfinished_tasks
from pytest_reqleak.agent.resources import pending_tasks


class Unmade(asyncio.Task):
    """What asyncio takes for a task of no loop."""

    def __init__(self):
        pass


async def wait():
    await asyncio.Event().wait()


async def with_both(count):
    unmade = Unmade.__new__(Unmade)
    asyncio.tasks._register_task(unmade)
    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    try:
        return count()
    finally:
        task.cancel()
        asyncio.tasks._unregister_task(unmade)


def test_they_are_not_among_the_pending_tasks():
    (story,) = asyncio.run(
        with_both(lambda: [story for story in pending_tasks(gc.get_objects()) if "wait" in story])
    )

    assert "wait" in story


def test_they_do_not_keep_the_others_of_a_loop_from_being_counted():
    # The test's own task, and the one that waits.
    assert 2 == asyncio.run(with_both(lambda: unfinished_tasks(asyncio.get_running_loop())))
