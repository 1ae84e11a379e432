"""The bundled server and ASGI apps, over real sockets."""

from __future__ import annotations

import asyncio
import json
import threading

import httpx
import pytest
from raw_client import HEAD, WAIT_SECONDS, RawClient, ask, split

CLOSE = b"connection: close\r\n"


def http_only(app):
    """Refuse a lifespan, as the specification asks of apps that have none."""

    async def call(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await app(scope, receive, send)

    return call


async def read_body(receive):
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def respond(send, body=b"", status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def echo(scope, receive, send):
    await respond(send, await read_body(receive))


async def tell_scope(scope, receive, send):
    del scope["state"]
    told = {
        key: value.decode("latin-1") if isinstance(value, bytes) else value
        for key, value in scope.items()
        if key != "headers"
    }
    told["headers"] = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
    await respond(send, json.dumps(told).encode())


async def stream(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in (b"one", b"two", b"three"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


def test_the_scope_holds_what_the_specification_asks_for(boot_app):
    booted = boot_app(tell_scope)
    _, _, body = split(ask(booted.url, b"GET /a%20b/%C3%A4?q=%20", HEAD, b"X-Two:  v \r\n", CLOSE, b"\r\n"))
    scope = json.loads(body)

    port = int(booted.url.rpartition(":")[2])
    assert scope.pop("client")[0] == "127.0.0.1"
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "server": ["127.0.0.1", port],
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": "/a b/ä",
        "raw_path": "/a%20b/%C3%A4",
        "query_string": "q=%20",
        "headers": [["host", "test"], ["x-two", "v"], ["connection", "close"]],
    }


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://elsewhere:80/p?q=2", "/p", "q=2"),
        (b"http://elsewhere", "/", ""),
        (b"*", "*", ""),
        (b"/?", "/", ""),
        (b"//double", "//double", ""),
    ],
)
def test_every_form_of_target_has_a_path(boot_app, target, path, query):
    method = b"OPTIONS " if target == b"*" else b"GET "
    _, _, body = split(ask(boot_app(tell_scope).url, method, target, HEAD, CLOSE, b"\r\n"))

    scope = json.loads(body)
    assert (path, query) == (scope["path"], scope["query_string"])


def test_a_body_of_known_length_arrives(boot_app):
    response = ask(boot_app(echo).url, b"POST /", HEAD, CLOSE, b"content-length: 5\r\n\r\n", b"hello")

    assert (200, b"hello") == split(response)[::2]


def test_a_chunked_body_arrives_without_its_trailers(boot_app):
    chunks = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Trailer: late\r\n\r\n"
    response = ask(boot_app(echo).url, b"POST /", HEAD, CLOSE, b"transfer-encoding: chunked\r\n\r\n", chunks)

    assert (200, b"hello world") == split(response)[::2]


def test_a_body_that_arrives_byte_by_byte_is_whole(boot_app):
    with RawClient(boot_app(echo).url) as client:
        for byte in b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":
            client.send(bytes((byte,)))

        assert client.read_until(b"abc").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_large_body_goes_both_ways(boot_app):
    body = bytes(range(256)) * 8192
    response = httpx.post(boot_app(echo).url, content=body, timeout=WAIT_SECONDS, trust_env=False)

    assert body == response.content


def test_a_connection_carries_many_requests(boot_app):
    with RawClient(boot_app(echo).url) as client:
        for number in range(20):
            client.send(b"POST /" + HEAD + b"content-length: 2\r\n\r\n%02d" % number)
            client.read_until(b"\r\n\r\n%02d" % number)


def test_pipelined_requests_are_answered_in_order(boot_app):
    with RawClient(boot_app(echo).url) as client:
        client.send(
            b"".join(b"POST /" + HEAD + b"content-length: 1\r\n\r\n%d" % number for number in range(9))
            + b"POST /"
            + HEAD
            + CLOSE
            + b"content-length: 1\r\n\r\n9"
        )
        received = client.read_all()

    assert [b"%d" % number for number in range(10)] == [
        part[part.index(b"\r\n\r\n") + 4 :] for part in received.split(b"HTTP/1.1 200 OK")[1:]
    ]


def test_a_pipelined_request_waits_until_the_one_before_is_answered(boot_app):
    order, release = [], threading.Event()

    @http_only
    async def app(scope, receive, send):
        order.append(("begin", scope["path"]))
        if scope["path"] == "/first":
            await asyncio.get_running_loop().run_in_executor(None, release.wait, WAIT_SECONDS)
        order.append(("end", scope["path"]))
        await respond(send)

    with RawClient(boot_app(app).url) as client:
        client.send(b"GET /first" + HEAD + b"\r\n" + b"GET /second" + HEAD + CLOSE + b"\r\n")
        release.set()
        client.read_all()

    assert [("begin", "/first"), ("end", "/first"), ("begin", "/second"), ("end", "/second")] == order


def test_a_streamed_response_is_chunked(boot_app):
    _, headers, body = split(ask(boot_app(stream).url, b"GET /", HEAD, CLOSE, b"\r\n"))

    assert b"chunked" == headers[b"transfer-encoding"]
    assert b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n" == body


def test_http_1_0_gets_a_stream_until_the_end_of_the_connection(boot_app):
    _, headers, body = split(ask(boot_app(stream).url, b"GET / HTTP/1.0\r\n\r\n"))

    assert b"transfer-encoding" not in headers
    assert b"onetwothree" == body


def test_a_head_request_gets_no_body(boot_app):
    @http_only
    async def app(scope, receive, send):
        await respond(send, b"hello")

    _, headers, body = split(ask(boot_app(app).url, b"HEAD /", HEAD, CLOSE, b"\r\n"))

    assert (b"5", b"") == (headers[b"content-length"], body)


def test_the_client_is_asked_for_the_body_when_the_app_wants_it(boot_app):
    with RawClient(boot_app(echo).url) as client:
        client.send(b"POST /" + HEAD + CLOSE + b"content-length: 5\r\nexpect: 100-continue\r\n\r\n")
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == client.read_until(b"\r\n\r\n")
        client.send(b"hello")

        assert (200, b"hello") == split(client.read_all())[::2]


def test_the_client_is_not_asked_for_a_body_that_the_app_does_not_want(boot_app):
    @http_only
    async def app(scope, receive, send):
        await respond(send, status=413)

    response = ask(
        boot_app(app).url,
        b"POST /",
        HEAD,
        b"content-length: 5\r\nexpect: 100-continue\r\n\r\n",
    )

    status, headers, _ = split(response)
    assert (413, b"close") == (status, headers[b"connection"])


def test_a_body_that_nobody_read_does_not_disturb_the_next_request(boot_app):
    @http_only
    async def app(scope, receive, send):
        await respond(send, scope["method"].encode())

    with RawClient(boot_app(app).url) as client:
        client.send(b"POST /" + HEAD + b"content-length: 300000\r\n\r\n")
        client.read_until(b"POST")
        client.send(b"x" * 300000 + b"GET /" + HEAD + CLOSE + b"\r\n")

        assert b"GET" == split(client.read_all())[2]


def test_an_app_that_raises_is_answered_500_and_the_error_is_kept(boot_app):
    @http_only
    async def app(scope, receive, send):
        raise ValueError("boom")

    booted = boot_app(app)
    response = ask(booted.url, b"GET /", HEAD, CLOSE, b"\r\n")
    booted.host.barrier()

    assert 500 == split(response)[0]
    assert "boom" == str(booted.last_error)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_the_server_survives_whatever_an_app_raises(boot_app, error):
    @http_only
    async def app(scope, receive, send):
        if scope["path"] == "/bad":
            raise error
        await respond(send, b"fine")

    url = boot_app(app).url

    assert 500 == split(ask(url, b"GET /bad", HEAD, CLOSE, b"\r\n"))[0]
    assert b"fine" == split(ask(url, b"GET /", HEAD, CLOSE, b"\r\n"))[2]


def test_an_app_that_returns_without_a_response_is_answered_500(boot_app):
    @http_only
    async def app(scope, receive, send):
        return

    assert 500 == split(ask(boot_app(app).url, b"GET /", HEAD, CLOSE, b"\r\n"))[0]


def test_half_a_response_ends_the_connection(boot_app):
    @http_only
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("boom")

    with RawClient(boot_app(app).url) as client:
        client.send(b"GET /" + HEAD + b"\r\n")

        assert client.read_all().endswith(b"4\r\nhalf\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/7.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\n\r\nrubbish",
    ],
)
def test_what_is_no_request_is_answered_400(boot_app, data):
    last = ask(boot_app(echo).url, data).rpartition(b"HTTP/1.1 ")[2]

    assert last.startswith(b"400 Bad Request\r\n")


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""], ids=["complete", "endless"])
def test_a_head_that_is_too_long_is_answered_431(boot_app, end):
    response = ask(boot_app(echo).url, b"GET /", HEAD, b"x: ", b"a" * 200_000, end)

    assert response.startswith(b"HTTP/1.1 431 ")


def test_a_large_body_is_not_taken_for_a_long_head(boot_app):
    body = b"x" * 200_000
    request = b"POST /" + HEAD + CLOSE + b"content-length: %d\r\n\r\n" % len(body)

    assert body == split(ask(boot_app(echo).url, request, body))[2]


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
def test_an_upgrade_is_answered_as_a_plain_request(boot_app, upgrade):
    response = ask(
        boot_app(stream).url, b"GET /", HEAD, b"connection: upgrade\r\nupgrade: ", upgrade, b"\r\n\r\n"
    )

    assert (200, b"close") == (split(response)[0], split(response)[1][b"connection"])


def test_the_app_learns_that_the_client_is_gone(boot_app):
    learnt, waiting, messages = threading.Event(), threading.Event(), []

    @http_only
    async def app(scope, receive, send):
        messages.append(await receive())
        waiting.set()
        messages.append(await receive())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except OSError as error:
            messages.append(error)
        learnt.set()

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        client.send(b"GET /" + HEAD + b"\r\n")
        assert waiting.wait(WAIT_SECONDS)
    assert learnt.wait(WAIT_SECONDS)

    assert {"type": "http.disconnect"} == messages[1]
    assert isinstance(messages[2], OSError)


def test_a_stream_ends_with_an_error_when_the_client_leaves(boot_app):
    raised = threading.Event()

    @http_only
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
        except OSError:
            raised.set()
            raise

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        client.send(b"GET /" + HEAD + b"\r\n")
        client.sock.recv(100)

    assert raised.wait(WAIT_SECONDS)
    booted.host.barrier()
    assert booted.last_error is None


def test_a_slow_client_makes_the_app_wait(boot_app):
    sent, stuck = [], threading.Event()

    @http_only
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(400):
            stuck.set() if number == 399 else None
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            sent.append(number)
        await send({"type": "http.response.body"})

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        client.send(b"GET /" + HEAD + CLOSE + b"\r\n")
        client.sock.recv(100)
        booted.host.barrier()
        booted.host.barrier()
        unread = len(sent)
        client.read_all()

    assert unread < 400
    assert 400 == len(sent)


def test_receive_ends_once_the_response_is_complete(boot_app):
    ended = threading.Event()

    @http_only
    async def app(scope, receive, send):
        await receive()
        waiter = asyncio.ensure_future(receive())
        await respond(send)
        assert (await waiter) == {"type": "http.disconnect"}
        ended.set()

    ask(boot_app(app).url, b"GET /", HEAD, CLOSE, b"\r\n")

    assert ended.wait(WAIT_SECONDS)


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "http.response.body", "body": b"x"}],
        [{"type": "http.response.start", "status": 200}] * 2,
        [{"type": "lifespan.startup.complete"}],
    ],
)
def test_messages_in_the_wrong_order_are_refused(boot_app, messages):
    @http_only
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    booted = boot_app(app)

    assert 500 == split(ask(booted.url, b"GET /", HEAD, CLOSE, b"\r\n"))[0]
    booted.host.barrier()
    assert isinstance(booted.last_error, RuntimeError)


def test_calls_that_go_on_after_their_response_are_counted(boot_app):
    release = threading.Event()

    @http_only
    async def app(scope, receive, send):
        await respond(send, b"done")
        await asyncio.get_running_loop().run_in_executor(None, release.wait, WAIT_SECONDS)

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        for _ in range(3):
            client.send(b"GET /" + HEAD + b"\r\n")
            client.read_until(b"done")
        during = booted.unfinished()
        release.set()
        while booted.unfinished():
            booted.host.barrier()

    assert 3 == during


def test_each_request_gets_a_copy_of_the_lifespan_state(boot_app):
    shared = object()
    seen = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["shared"] = shared
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        seen.append((scope["state"]["shared"] is shared, "mine" in scope["state"]))
        scope["state"]["mine"] = True
        await respond(send)

    url = boot_app(app).url
    for _ in range(2):
        ask(url, b"GET /", HEAD, CLOSE, b"\r\n")

    assert [(True, False), (True, False)] == seen


def test_closing_ends_connections_and_calls_that_hang(boot_app):
    begun, ended = threading.Event(), threading.Event()

    @http_only
    async def app(scope, receive, send):
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        client.send(b"GET /" + HEAD + b"\r\n")
        assert begun.wait(WAIT_SECONDS)
        booted.close()

        assert b"" == client.read_all()
    assert ended.is_set()
    assert not booted.host.is_alive
