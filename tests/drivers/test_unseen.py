"""What an app raises behind its answer, and how an app that sends none is told."""

from __future__ import annotations

import asyncio

import pytest
from small_apps import http_only, respond

from pytest_reqleak.errors import RequestFailed
from pytest_reqleak.model.request import Request


class Pieces:
    """The body of a WSGI response whose end raises."""

    def __init__(self):
        self._pieces = iter([b"some"])

    def __iter__(self):
        return self._pieces

    def close(self):
        raise ValueError("boom")


def raising_app(interface, status=200):
    """An app that raises when its answer is complete."""

    @http_only
    async def asgi(scope, receive, send):
        await respond(send, b"some", status=status)
        raise ValueError("boom")

    def wsgi(environ, start_response):
        start_response(f"{status} X", [])
        return Pieces()

    return asgi if interface == "asgi" else wsgi


def told_of(driver):
    # What is raised behind the last answer may take a moment longer than the batch.
    driver.booted.close()
    return [(caveat.slug, caveat.text) for caveat in driver.booted.unseen.caveats()]


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_what_is_raised_behind_a_whole_answer_is_counted_and_the_first_is_told(drive, server, interface):
    driver = drive(raising_app(interface), Request("GET", "/"), server=server)
    driver.run_batch(0, 3)

    text = "the app raised in 3 requests after the answer was complete; the first: ValueError: boom"
    assert [("raised-late", text)] == told_of(driver)


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_what_was_answered_as_an_error_has_been_seen(drive, server, interface):
    driver = drive(raising_app(interface, status=500), Request("GET", "/", expect=500), server=server)
    driver.run_batch(0, 3)

    assert [] == told_of(driver)


def test_a_call_that_is_cancelled_with_the_server_has_raised_nothing(drive):
    @http_only
    async def app(scope, receive, send):
        await respond(send)
        await asyncio.get_running_loop().create_future()

    driver = drive(app, Request("GET", "/"), server="bundled")
    driver.run_batch(0, 1)

    assert [] == told_of(driver)


def returning_app(begun):
    @http_only
    async def app(scope, receive, send):
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"some", "more_body": True})

    return app


@pytest.mark.parametrize(
    ("begun", "line", "cause"),
    [
        (False, "was answered 500", "The app returned without a response"),
        (True, "(status 200) that broke off", "The app returned before its response was complete"),
    ],
)
def test_an_app_that_returns_without_a_whole_response_is_told_as_the_cause(drive, begun, line, cause):
    driver = drive(returning_app(begun), Request("GET", "/"), server="bundled")
    with pytest.raises(RequestFailed) as caught:
        driver.run_batch(0, 1)

    first, *below = str(caught.value).splitlines()
    assert line in first
    assert cause in below
