"""What only the http driver does: connections, and responses of all shapes."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading

import pytest
from small_apps import http_only, read_body, respond

from pytest_reqleak.drivers.http import HttpDriver
from pytest_reqleak.errors import RequestFailed, RequestTimeout
from pytest_reqleak.model.request import Request

WAIT_SECONDS = 10.0


class Scripted:
    """A server that answers each request with the next of its scripts, then closes or not."""

    interface = "asgi"
    last_error = None

    def __init__(self, *scripts):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepted = 0
        self.received = []
        self._scripts = list(scripts)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def pass_loop(self):
        return None

    def gone(self, wait_seconds=0.0):
        return None

    def output_tail(self):
        return ""

    def _serve(self):
        while self._scripts:
            connection, _ = self._listener.accept()
            self.accepted += 1
            # A client that had enough closes while we send.
            with connection, contextlib.suppress(ConnectionError):
                connection.settimeout(WAIT_SECONDS)
                while self._scripts:
                    request = connection.recv(65536)
                    if not request:
                        break
                    self.received.append(request)
                    pieces, keep = self._scripts.pop(0)
                    for piece in pieces:
                        connection.sendall(piece)
                    if not keep:
                        break

    def close(self):
        self._listener.close()
        self._thread.join(WAIT_SECONDS)


@pytest.fixture
def scripted():
    opened = []

    def make(*scripts, concurrency=1, request=None, request_seconds=WAIT_SECONDS):
        server = Scripted(*scripts)
        driver = HttpDriver(
            server, [request or Request("GET", "/")], concurrency=concurrency, request_seconds=request_seconds
        )
        driver.server = server
        opened.append(driver)
        return driver

    yield make
    for driver in opened:
        driver.close()
        driver.server.close()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_connection_is_used_again(scripted, concurrency):
    driver = scripted(*[([OK], True)] * 4, concurrency=concurrency)
    for number in range(4):
        driver.run_batch(number, 1)

    assert 1 == driver.server.accepted


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_closed_connection_is_replaced(scripted, concurrency):
    driver = scripted(*[([OK], False)] * 4, concurrency=concurrency)
    for number in range(4):
        driver.run_batch(number, 1)

    assert 4 == driver.server.accepted


@pytest.mark.parametrize("concurrency", [1, 2])
def test_connection_close_is_obeyed(scripted, concurrency):
    closing = OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    driver = scripted(*[([closing], True)] * 3, concurrency=concurrency)
    for number in range(3):
        driver.run_batch(number, 1)

    assert 3 == driver.server.accepted


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize(
    "response",
    [
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", b"0\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
        [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK],
        [b"HTTP/1.1 204 No Content\r\n\r\n"],
        [b"HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\n\r\n"],
        [bytes((byte,)) for byte in OK],
    ],
    ids=["chunked", "continue", "hints", "204", "304", "byte by byte"],
)
def test_a_response_of_any_framing_is_read_to_its_end(scripted, response, concurrency):
    driver = scripted((response, True), (response, True), concurrency=concurrency)
    driver.run_batch(0, 1)
    driver.run_batch(1, 1)

    assert (1, 2) == (driver.server.accepted, len(driver.server.received))


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_response_without_length_ends_with_the_connection(scripted, concurrency):
    driver = scripted(([b"HTTP/1.1 200 OK\r\n\r\n", b"until the end"], False), concurrency=concurrency)

    driver.run_batch(0, 1)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_head_response_has_no_body(scripted, concurrency):
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    driver = scripted(([head], True), ([head], True), concurrency=concurrency, request=Request("HEAD", "/"))
    driver.run_batch(0, 1)
    driver.run_batch(1, 1)

    assert 1 == driver.server.accepted


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize(
    ("response", "says"),
    [
        ([], "got no response: ConnectionAbortedError"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"], "(status 200) that broke off"),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok"], "(status 200) that broke off"),
        (
            [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"],
            "(status 200) that broke off",
        ),
        ([b"SSH-2.0-OpenSSH\r\n\r\n"], "got a response that is no HTTP"),
    ],
    ids=["nothing", "short", "no last chunk", "short after hints", "no http"],
)
def test_what_is_no_whole_response_fails(scripted, response, says, concurrency):
    driver = scripted((response, False), concurrency=concurrency)
    with pytest.raises(RequestFailed) as caught:
        driver.run_batch(0, 1)

    assert says in str(caught.value).splitlines()[0]


def test_a_chunked_body_that_fails_is_shown_decoded(scripted):
    head = b"HTTP/1.1 404 X\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n"
    driver = scripted(([head, b"3\r\nnot\r\n5\r\n here\r\n0\r\n\r\n"], True))
    with pytest.raises(RequestFailed) as caught:
        driver.run_batch(0, 1)

    assert str(caught.value).splitlines()[1:] == [
        "    HTTP status 404",
        "    a: b",
        "    transfer-encoding: chunked",
        "",
        "    not here",
    ]


def test_what_could_move_a_terminals_cursor_is_not_shown(scripted):
    driver = scripted(([b"HTTP/1.1 404 X\r\ncontent-length: 5\r\n\r\n\x1b[2Jx"], True))
    with pytest.raises(RequestFailed) as caught:
        driver.run_batch(0, 1)

    assert "\x1b" not in str(caught.value)


def test_a_long_body_is_cut(scripted):
    driver = scripted(([b"HTTP/1.1 404 X\r\ncontent-length: 90000\r\n\r\n" + b"x" * 90000], True))
    with pytest.raises(RequestFailed) as caught:
        driver.run_batch(0, 1)

    assert 2048 < len(str(caught.value)) < 3000


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_response_that_trickles_forever_times_out(scripted, concurrency):
    endless = itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x"))
    driver = scripted((endless, False), concurrency=concurrency, request_seconds=0.2)
    with pytest.raises(RequestTimeout, match="had begun but not ended"):
        driver.run_batch(0, 1)


def test_nobody_listening_is_told_with_the_reason(scripted):
    driver = scripted()
    driver.server.close()
    with pytest.raises(RequestFailed, match="got no response: ConnectionRefusedError"):
        driver.run_batch(0, 1)


@http_only
async def echo(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})


@pytest.mark.parametrize("concurrency", [1, 3])
def test_an_app_that_answers_while_it_reads_is_driven(drive, concurrency):
    request = Request("POST", "/", content="x" * 4_000_000)
    drive(echo, request, server="bundled", concurrency=concurrency).run_batch(0, 4)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_an_app_that_answers_without_reading_is_driven(drive, concurrency):
    @http_only
    async def app(scope, receive, send):
        await respond(send)

    request = Request("POST", "/", content="x" * 4_000_000)
    drive(app, request, server="bundled", concurrency=concurrency).run_batch(0, 4)


def test_a_body_is_chunked_if_the_headers_say_so(drive):
    seen = []

    @http_only
    async def app(scope, receive, send):
        seen.append((await read_body(receive), dict(scope["headers"]).get(b"content-length")))
        await respond(send)

    requests = [
        Request("POST", "/", content=body, headers={"Transfer-Encoding": "chunked"})
        for body in ("n-{i}", "", "fixed")
    ]
    drive(app, *requests, server="bundled").run_batch(9, 3)

    assert [(b"n-9", None), (b"", None), (b"fixed", None)] == seen


def test_a_client_that_expects_to_be_asked_is_answered(drive):
    @http_only
    async def app(scope, receive, send):
        await respond(send, await read_body(receive))

    request = Request("POST", "/", content="x", headers={"Expect": "100-continue"})
    drive(app, request, server="bundled").run_batch(0, 3)


def test_the_answer_of_a_framework_that_then_raises_is_told_with_its_error(drive):
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def view(request):
        raise LookupError("no such order")

    driver = drive(Starlette(routes=[Route("/", view)]), Request("GET", "/"), server="bundled")
    with pytest.raises(RequestFailed, match="The app raised LookupError: no such order"):
        driver.run_batch(0, 1)
    assert driver.booted.last_error is None
