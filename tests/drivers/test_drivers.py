"""What every driver promises, on both servers and both interfaces."""

from __future__ import annotations

import asyncio
import functools
import os
import threading

import pytest
from small_apps import Recorder, http_only, respond

from pytest_reqleak.errors import RequestFailed, RequestTimeout
from pytest_reqleak.model.request import Request

WAIT_SECONDS = 10.0


@pytest.fixture(params=["asgi", "wsgi"])
def interface(request):
    return request.param


def failure(driver, *batch):
    with pytest.raises(RequestFailed) as caught:
        driver.run_batch(*batch)
    return str(caught.value)


def raising_app(interface, *, begun=False, complete=False):
    """An app that raises: before its response, in the middle, or behind its end."""

    @http_only
    async def asgi(scope, receive, send):
        if begun or complete:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
            await send({"type": "http.response.body", "body": b"some", "more_body": not complete})
        raise ValueError("boom")

    def wsgi(environ, start_response):
        if begun or complete:
            start_response("200 OK", [("a", "b")])
            yield b"some"
        raise ValueError("boom")

    return asgi if interface == "asgi" else wsgi


def test_iterations_take_the_requests_in_turn_with_their_numbers(drive, server, interface):
    recorder = Recorder()
    driver = drive(
        getattr(recorder, interface), Request("GET", "/a/{i}"), Request("GET", "/b/{i}/{i}"), server=server
    )
    driver.run_batch(3, 4)
    driver.run_batch(0, 1)

    assert ["/b/3/3", "/a/4", "/b/5/5", "/a/6", "/a/0"] == [entry[1] for entry in recorder.seen]


def test_one_request_can_be_sent_alone(drive, server, interface):
    recorder = Recorder()
    driver = drive(
        getattr(recorder, interface), Request("GET", "/a/{i}"), Request("GET", "/b/{i}"), server=server
    )
    driver.run_batch(10, 3, 1)

    assert ["/b/10", "/b/11", "/b/12"] == [entry[1] for entry in recorder.seen]


def test_path_headers_and_body_are_filled(drive, server, interface):
    recorder = Recorder()
    request = Request(
        "POST", "/%C3%A4 {i}/ü?q={i}".replace(" ", "%20"), headers={"X-Key": "k{i}"}, json={"id": "n-{i}"}
    )
    drive(getattr(recorder, interface), request, server=server).run_batch(9, 2)

    method, path, target, headers, body = recorder.seen[1]
    assert ("POST", "/ä 10/ü", b'{"id": "n-10"}') == (method, path, body)
    assert target.endswith(b"q=10")
    assert (b"k10", b"application/json", b"14") == (
        headers[b"x-key"],
        headers[b"content-type"],
        headers[b"content-length"],
    )
    assert b"13" == recorder.seen[0][3][b"content-length"]


def test_text_and_bytes_are_sent_as_they_are(drive, server, interface):
    recorder = Recorder()
    requests = [Request("PUT", "/", content="ä{i}"), Request("PUT", "/", content=b"\x00{i}")]
    drive(getattr(recorder, interface), *requests, server=server).run_batch(0, 2)

    assert ["ä0".encode(), b"\x001"] == [entry[4] for entry in recorder.seen]
    assert b"content-type" not in recorder.seen[0][3]


def test_a_request_has_a_host_and_the_users_headers_win(drive, server, interface):
    recorder = Recorder()
    requests = [Request("GET", "/"), Request("GET", "/", headers=[("Host", "shop.test"), ("Accept", "x/y")])]
    drive(getattr(recorder, interface), *requests, server=server).run_batch(0, 2)

    plain, own = (entry[3] for entry in recorder.seen)
    assert plain[b"host"].startswith(b"127.0.0.1")
    assert (b"shop.test", b"x/y") == (own[b"host"], own[b"accept"])
    assert b"content-length" not in plain


@pytest.mark.parametrize(("method", "length"), [("POST", b"0"), ("DELETE", None)])
def test_only_methods_with_a_body_tell_that_it_is_empty(drive, server, interface, method, length):
    recorder = Recorder()
    drive(getattr(recorder, interface), Request(method, "/"), server=server).run_batch(0, 1)

    assert length == recorder.seen[0][3].get(b"content-length")


def test_a_status_that_was_not_expected_fails_with_the_response(drive, server, interface):
    recorder = Recorder(statuses=[200, 200, 404])
    message = failure(drive(getattr(recorder, interface), Request("GET", "/a/{i}"), server=server), 0, 5)

    line, *below = message.splitlines()
    assert line == (
        "GET /a/2 (iteration 2) was answered 404, expected was 2xx or 3xx: "
        "correct the request or the app, or set expect to 404"
    )
    assert "    HTTP status 404" in below
    assert "    answer" in below
    assert 3 == len(recorder.seen)


@pytest.mark.parametrize("expect", [404, "4xx", [200, 404], "any"])
def test_an_expected_status_is_an_answer(drive, server, interface, expect):
    recorder = Recorder(statuses=[404])
    request = Request("GET", "/", expect=expect)
    drive(getattr(recorder, interface), request, server=server).run_batch(0, 3)

    assert 3 == len(recorder.seen)


def test_an_app_that_raises_is_quoted(drive, server, interface):
    message = failure(drive(raising_app(interface), Request("GET", "/"), server=server), 0, 1)

    assert "GET / (iteration 0) was answered 500, expected was 2xx or 3xx" in message.splitlines()[0]
    assert "\nThe app raised ValueError: boom\n" in message
    assert "test_drivers.py" in message
    assert os.path.join("pytest_reqleak", "") not in message


def test_an_app_that_raises_on_purpose_is_answered_500(drive, server, interface):
    drive(raising_app(interface), Request("GET", "/", expect=500), server=server).run_batch(0, 3)


def test_a_response_that_breaks_off_fails_whatever_is_expected(drive, server, interface):
    driver = drive(raising_app(interface, begun=True), Request("GET", "/", expect="any"), server=server)
    message = failure(driver, 0, 1)

    assert "got a response (status 200) that broke off" in message.splitlines()[0]
    assert "    some" in message.splitlines()
    assert "The app raised ValueError: boom" in message


def test_what_an_app_raises_behind_its_response_is_no_failure(drive, server):
    drive(raising_app("asgi", complete=True), Request("GET", "/"), server=server).run_batch(0, 3)


def test_an_app_that_returns_without_a_response_fails(drive, server):
    @http_only
    async def app(scope, receive, send):
        return

    assert failure(drive(app, Request("GET", "/"), server=server), 0, 1)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_an_exception_that_ends_programs_is_only_the_requests(drive, server, kind):
    @http_only
    async def app(scope, receive, send):
        if scope["path"] == "/bad":
            raise kind
        await respond(send)

    driver = drive(app, Request("GET", "/bad"), Request("GET", "/good"), server=server)

    assert kind.__name__ in failure(driver, 0, 1)
    driver.run_batch(0, 3, 1)


def test_several_requests_are_in_flight_at_a_time(drive, server):
    gathered = []

    @http_only
    async def app(scope, receive, send):
        gathered.append(asyncio.Event())
        if len(gathered) % 3 == 0:
            for event in gathered:
                event.set()
        await asyncio.wait_for(gathered[-1].wait(), WAIT_SECONDS)
        await respond(send)

    drive(app, Request("GET", "/{i}"), server=server, concurrency=3).run_batch(0, 9)

    assert 9 == len(gathered)


def test_several_wsgi_calls_run_at_a_time(drive, server):
    together = threading.Barrier(3, timeout=WAIT_SECONDS)

    def app(environ, start_response):
        together.wait()
        start_response("200 OK", [])
        return [b""]

    drive(app, Request("GET", "/{i}"), server=server, concurrency=3).run_batch(0, 9)


def test_every_number_is_sent_once_with_several_in_flight(drive, server, interface):
    recorder = Recorder()
    driver = drive(getattr(recorder, interface), Request("GET", "/{i}"), server=server, concurrency=4)
    driver.run_batch(0, 50)
    driver.run_batch(50, 2)

    assert [f"/{number}" for number in range(52)] == sorted(
        (entry[1] for entry in recorder.seen), key=lambda path: int(path[1:])
    )


def test_a_failure_among_several_in_flight_is_told(drive, server, interface):
    recorder = Recorder(statuses=[200] * 7 + [404])
    driver = drive(getattr(recorder, interface), Request("GET", "/{i}"), server=server, concurrency=4)

    assert "was answered 404" in failure(driver, 0, 50)
    assert len(recorder.seen) < 50


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_request_that_is_never_answered_times_out(drive, server, concurrency):
    @http_only
    async def app(scope, receive, send):
        if scope["path"] == "/4":
            await asyncio.get_running_loop().create_future()
        await respond(send)

    driver = drive(app, Request("GET", "/{i}"), server=server, concurrency=concurrency, request_seconds=0.2)
    with pytest.raises(RequestTimeout) as caught:
        driver.run_batch(0, 6)

    assert str(caught.value).startswith(
        "GET /4 (iteration 4) was not done after 0.2 s: no response had begun"
    )
    # The app and the driver can be used again.
    driver.run_batch(0, 3)


def test_a_response_that_never_ends_times_out(drive, server):
    @http_only
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.get_running_loop().create_future()

    driver = drive(app, Request("GET", "/"), server=server, request_seconds=0.2)
    with pytest.raises(RequestTimeout, match=r"its response \(status 200\) had begun but not ended"):
        driver.run_batch(0, 1)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_wsgi_call_that_hangs_is_left_behind_and_said_so(drive, server, monkeypatch, concurrency):
    monkeypatch.setattr("pytest_reqleak.servers.booted.GRACE_SECONDS", 0.05)
    release = threading.Event()

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/4":
            release.wait(60)
        start_response("200 OK", [])
        return [b""]

    driver = drive(app, Request("GET", "/{i}"), server=server, concurrency=concurrency, request_seconds=0.2)
    with pytest.raises(RequestTimeout, match=r"\(iteration 4\) .*its thread is left behind"):
        driver.run_batch(0, 5)
    assert 1 == driver.booted.unfinished()
    driver.booted.close()
    assert not driver.booted.host.is_alive
    release.set()


def test_an_app_that_blocks_its_loop_is_left_behind(drive, server, monkeypatch):
    monkeypatch.setattr("pytest_reqleak.servers.host.GRACE_SECONDS", 0.05)
    monkeypatch.setattr("pytest_reqleak.servers.booted.GRACE_SECONDS", 0.05)
    release = threading.Event()

    @http_only
    async def app(scope, receive, send):
        release.wait(60)

    driver = drive(app, Request("GET", "/"), server=server, request_seconds=0.1)
    with pytest.raises(RequestTimeout):
        driver.run_batch(0, 1)
    host = driver.booted.host
    with monkeypatch.context() as patched:
        patched.setattr(host, "close", functools.partial(host.close, timeout=0.05))
        driver.booted.close()
    assert host.is_alive
    release.set()
    assert host.close() is True


def test_a_client_that_leaves_early_is_told_to_the_app(drive, server):
    told, ended = [], threading.Event()

    @http_only
    async def app(scope, receive, send):
        try:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
                await asyncio.sleep(0)
        except OSError:
            told.append(await receive())
            raise
        finally:
            ended.set()

    driver = drive(app, Request("GET", "/", ending="disconnect"), server=server)
    for number in range(3):
        ended.clear()
        driver.run_batch(number, 1)
        assert ended.wait(WAIT_SECONDS)

    assert [{"type": "http.disconnect"}] * 3 == told


def test_a_wsgi_response_is_closed_when_the_client_leaves_early(drive, server):
    closed = threading.Event()

    class Endless:
        def __iter__(self):
            return self

        def __next__(self):
            return b"x" * 1000

        def close(self):
            closed.set()

    def app(environ, start_response):
        start_response("200 OK", [])
        return Endless()

    drive(app, Request("GET", "/", ending="disconnect"), server=server).run_batch(0, 1)

    assert closed.wait(WAIT_SECONDS)


def test_the_status_counts_even_if_the_client_leaves_early(drive, server, interface):
    recorder = Recorder(statuses=[404])
    request = Request("GET", "/", ending="disconnect")

    assert "was answered 404" in failure(drive(getattr(recorder, interface), request, server=server), 0, 1)


def test_what_the_app_left_in_its_state_reaches_each_request(drive, server):
    seen = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["shared"] = seen
            await send({"type": "lifespan.startup.complete"})
            await receive()
            return await send({"type": "lifespan.shutdown.complete"})
        scope["state"]["shared"].append("mine" in scope["state"])
        scope["state"]["mine"] = True
        return await respond(send)

    drive(app, Request("GET", "/"), server=server).run_batch(0, 3)

    assert [False] * 3 == seen
