"""What only the direct drivers do."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest
from small_apps import http_only, respond

from pytest_reqleak.errors import RequestFailed, RequestTimeout
from pytest_reqleak.model.request import Request


def test_each_request_is_a_task_of_its_own(drive):
    tasks = []

    @http_only
    async def app(scope, receive, send):
        tasks.append(asyncio.current_task())
        await respond(send)

    drive(app, Request("GET", "/"), server="direct").run_batch(0, 3)

    assert 3 == len({id(task) for task in tasks})


def test_a_batch_ends_when_the_calls_have_returned(drive):
    ended = []

    @http_only
    async def app(scope, receive, send):
        await respond(send)
        await asyncio.sleep(0)
        ended.append(scope["path"])

    drive(app, Request("GET", "/{i}"), server="direct").run_batch(0, 3)

    assert ["/0", "/1", "/2"] == ended


def test_a_call_that_does_not_return_after_its_answer_is_told_as_such(drive):
    @http_only
    async def app(scope, receive, send):
        await respond(send)
        await asyncio.get_running_loop().create_future()

    driver = drive(app, Request("GET", "/"), server="direct", request_seconds=0.1)
    with pytest.raises(RequestTimeout, match="it was answered 200, but the app's call has not returned"):
        driver.run_batch(0, 1)


def test_a_call_that_swallows_its_cancellation_is_left_behind(drive, monkeypatch):
    monkeypatch.setattr("pytest_reqleak.servers.host.GRACE_SECONDS", 0.05)
    release = []

    @http_only
    async def app(scope, receive, send):
        release.append(asyncio.get_running_loop().create_future())
        while not release[0].done():
            try:
                await asyncio.shield(release[0])
            except asyncio.CancelledError:
                continue

    driver = drive(app, Request("GET", "/"), server="direct", request_seconds=0.1)
    with pytest.raises(RequestTimeout, match="does not react to being cancelled"):
        driver.run_batch(0, 1)
    driver.booted.host.loop.call_soon_threadsafe(release[0].set_result, None)
    driver.booted.host.barrier()


def test_an_app_that_returns_another_awaitable_is_called(drive):
    async def answer(send):
        await respond(send)

    def app(scope, receive, send):
        return asyncio.ensure_future(answer(send))

    drive(app, Request("GET", "/"), server="direct").run_batch(0, 2)


def test_a_partial_is_called(drive):
    async def app(settings, scope, receive, send):
        assert scope["type"] in settings
        await respond(send)

    drive(functools.partial(app, {"http"}), Request("GET", "/"), server="direct").run_batch(0, 2)


def test_receive_waits_until_the_response_is_complete(drive):
    order = []

    @http_only
    async def app(scope, receive, send):
        await receive()

        async def listen():
            order.append((await receive())["type"])

        listeners = [asyncio.ensure_future(listen()) for _ in range(2)]
        await asyncio.sleep(0)
        listeners[0].cancel()
        order.append("answer")
        await respond(send)
        await listeners[1]

    drive(app, Request("GET", "/"), server="direct").run_batch(0, 1)

    assert ["answer", "http.disconnect"] == order


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "http.response.body", "body": b"x"}],
        [{"type": "http.response.start", "status": 200}] * 2,
        [{"type": "http.response.start", "status": 200}, {"type": "http.response.body"}, {"type": "other"}],
    ],
)
def test_messages_in_the_wrong_order_are_refused(drive, messages):
    refused = []

    @http_only
    async def app(scope, receive, send):
        try:
            for message in messages:
                await send(message)
        except RuntimeError as error:
            refused.append(error)

    driver = drive(app, Request("GET", "/", expect="any"), server="direct")
    try:
        driver.run_batch(0, 1)
    except RequestFailed:
        assert len(messages) < 3

    assert 1 == len(refused)


def test_an_app_may_write_to_all_of_its_scope(drive):
    @http_only
    async def app(scope, receive, send):
        assert "mine" not in {**scope, **scope["asgi"], **scope["state"], **dict(scope["headers"])}
        for part in (scope, scope["asgi"], scope["state"]):
            part["mine"] = True
        scope["headers"].append(("mine", b""))
        await respond(send)

    drive(app, Request("GET", "/"), server="direct").run_batch(0, 2)


def test_a_wsgi_view_may_run_a_loop_of_its_own(drive):
    def app(environ, start_response):
        asyncio.run(asyncio.sleep(0))
        start_response("200 OK", [])
        return [b""]

    drive(app, Request("GET", "/"), server="direct").run_batch(0, 2)


def test_a_wsgi_app_is_called_in_one_thread(drive):
    threads = set()

    def app(environ, start_response):
        threads.add(threading.get_ident())
        start_response("200 OK", [])
        return [b""]

    driver = drive(app, Request("GET", "/"), server="direct")
    for batch in range(3):
        driver.run_batch(batch, 2)

    assert 1 == len(threads)
