"""The bundled server and WSGI apps, over real sockets."""

from __future__ import annotations

import io
import json
import sys
import threading
from wsgiref.validate import validator

import httpx
import pytest
from raw_client import HEAD, WAIT_SECONDS, RawClient, ask, split

CLOSE = b"connection: close\r\n"
TEXT = [("Content-Type", "text/plain")]


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", TEXT)
    return [body]


def tell_environ(environ, start_response):
    start_response("200 OK", TEXT)
    told = {key: value for key, value in environ.items() if not key.startswith("wsgi.")}
    return [json.dumps(told).encode()]


class Pieces:
    """An iterable that can be closed, as frameworks return."""

    def __init__(self, pieces, closed):
        self._pieces = iter(pieces)
        self._closed = closed

    def __iter__(self):
        return self._pieces

    def close(self):
        self._closed.set()


def test_the_environ_holds_what_pep_3333_asks_for(boot_app):
    booted = boot_app(tell_environ)
    response = ask(
        booted.url,
        b"POST /a%20b/%C3%A4?q=%20",
        HEAD,
        b"X-Two: 1\r\nx-two: 2\r\nCookie: a=1\r\nCookie: b=2\r\nContent-Type: x/y\r\n",
        CLOSE,
        b"content-length: 0\r\n\r\n",
    )
    environ = json.loads(split(response)[2])

    assert environ.pop("REMOTE_PORT").isdigit()
    assert environ == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/Ã¤",
        "QUERY_STRING": "q=%20",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": booted.url.rpartition(":")[2],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "x/y",
        "CONTENT_LENGTH": "0",
        "HTTP_HOST": "test",
        "HTTP_X_TWO": "1,2",
        "HTTP_COOKIE": "a=1; b=2",
        "HTTP_CONNECTION": "close",
    }


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + HEAD + CLOSE + b"\r\n",
        b"GET /a?b" + HEAD + CLOSE + b"\r\n",
        b"POST /" + HEAD + CLOSE + b"content-length: 5\r\n\r\nhello",
        b"POST /" + HEAD + CLOSE + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ],
)
@pytest.mark.parametrize("pieces", [[b"one"], [b"one", b"", b"two"], []])
def test_the_reference_validator_finds_nothing(boot_app, request_bytes, pieces):
    def app(environ, start_response):
        assert environ["wsgi.input"].read(100) is not None
        environ["wsgi.errors"].flush()
        start_response("200 OK", list(TEXT))
        return Pieces(pieces, threading.Event())

    booted = boot_app(validator(app), interface="wsgi")
    status, _, _ = split(ask(booted.url, request_bytes))

    assert booted.last_error is None
    assert 200 == status


def test_errors_go_where_standard_error_goes_now(boot_app, capsys):
    def app(environ, start_response):
        environ["wsgi.errors"].write("told you\n")
        start_response("200 OK", TEXT)
        return [b""]

    ask(boot_app(app).url, b"GET /", HEAD, CLOSE, b"\r\n")

    assert "told you\n" == capsys.readouterr().err


def test_one_piece_has_a_length_and_several_are_chunked(boot_app):
    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return [b"one"] if environ["PATH_INFO"] == "/one" else [b"one", b"two"]

    url = boot_app(app).url
    _, one, _ = split(ask(url, b"GET /one", HEAD, CLOSE, b"\r\n"))
    _, two, body = split(ask(url, b"GET /two", HEAD, CLOSE, b"\r\n"))

    assert b"3" == one[b"content-length"]
    assert (b"chunked", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") == (two[b"transfer-encoding"], body)


def test_each_piece_is_sent_before_the_next_is_asked_for(boot_app):
    release = threading.Event()

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        yield b"first"
        release.wait(WAIT_SECONDS)
        yield b"second"

    with RawClient(boot_app(app).url) as client:
        client.send(b"GET /" + HEAD + CLOSE + b"\r\n")
        client.read_until(b"5\r\nfirst\r\n")
        release.set()

        assert b"6\r\nsecond\r\n0\r\n\r\n" == client.read_all()


def test_what_is_written_comes_before_what_is_returned(boot_app):
    def app(environ, start_response):
        write = start_response("200 OK", TEXT)
        write(b"one ")
        write(b"two ")
        return [b"three"]

    assert b"one two three" == httpx.get(boot_app(app).url, trust_env=False).content


def test_a_file_is_sent_with_the_file_wrapper_and_closed(boot_app):
    content = bytes(range(256)) * 1000
    closed = threading.Event()

    class File(io.BytesIO):
        def close(self):
            super().close()
            closed.set()

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return environ["wsgi.file_wrapper"](File(content), 4096)

    assert content == httpx.get(boot_app(app).url, trust_env=False).content
    # The client has all of it before the server comes to close it.
    assert closed.wait(WAIT_SECONDS)


def test_the_head_may_be_replaced_until_the_body_begins(boot_app):
    def app(environ, start_response):
        start_response("200 OK", TEXT)
        try:
            raise KeyError("late")
        except KeyError:
            start_response("503 Sorry", TEXT, sys.exc_info())
        return [b"sorry"]

    response = ask(boot_app(app).url, b"GET /", HEAD, CLOSE, b"\r\n")

    assert response.startswith(b"HTTP/1.1 503 Sorry\r\n")


def test_an_error_after_the_body_began_ends_the_connection(boot_app):
    def app(environ, start_response):
        start_response("200 OK", TEXT)
        yield b"half"
        try:
            raise KeyError("late")
        except KeyError:
            start_response("503 Sorry", TEXT, sys.exc_info())

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        client.send(b"GET /" + HEAD + b"\r\n")

        assert client.read_all().endswith(b"4\r\nhalf\r\n")
    booted.host.barrier()
    assert isinstance(booted.last_error, KeyError)


@pytest.mark.parametrize("begins", [True, False])
def test_the_iterable_is_closed_even_if_it_raises(boot_app, begins):
    closed = threading.Event()

    def pieces():
        if begins:
            yield b"x"
        raise ValueError("boom")

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return Pieces(pieces(), closed)

    ask(boot_app(app).url, b"GET /", HEAD, CLOSE, b"\r\n")

    assert closed.wait(WAIT_SECONDS)


def test_the_iterable_is_closed_when_the_client_leaves(boot_app):
    closed = threading.Event()

    def forever():
        while True:
            yield b"x" * 10_000

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return Pieces(forever(), closed)

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        client.send(b"GET /" + HEAD + b"\r\n")
        client.sock.recv(100)

    assert closed.wait(WAIT_SECONDS)
    assert booted.last_error is None


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), KeyboardInterrupt()])
def test_the_server_survives_whatever_an_app_raises(boot_app, error):
    def app(environ, start_response):
        if environ["PATH_INFO"] == "/bad":
            raise error
        start_response("200 OK", TEXT)
        return [b"fine"]

    url = boot_app(app).url

    assert 500 == split(ask(url, b"GET /bad", HEAD, CLOSE, b"\r\n"))[0]
    assert b"fine" == split(ask(url, b"GET /", HEAD, CLOSE, b"\r\n"))[2]


@pytest.mark.parametrize(
    "app",
    [
        lambda environ, start_response: [b"no head"],
        lambda environ, start_response: [start_response("200 OK", TEXT) and "text"],
        lambda environ, start_response: [start_response("fine", TEXT) and b""],
        lambda environ, start_response: [start_response("200 OK", [("a", "b\nc")]) and b""],
        lambda environ, start_response: start_response("200 OK", TEXT) and start_response("200 OK", TEXT),
    ],
    ids=["no head", "text", "bad status", "bad header", "twice"],
)
def test_an_app_that_breaks_the_convention_is_answered_500(boot_app, app):
    assert 500 == split(ask(boot_app(app).url, b"GET /", HEAD, CLOSE, b"\r\n"))[0]


def test_a_body_can_be_read_while_it_arrives(boot_app):
    lines = []

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        for line in environ["wsgi.input"]:
            lines.append(line)
            yield line

    with RawClient(boot_app(app).url) as client:
        client.send(b"POST /" + HEAD + CLOSE + b"transfer-encoding: chunked\r\n\r\n")
        client.send(b"4\r\none\n\r\n")
        client.read_until(b"one\n\r\n")
        client.send(b"4\r\ntwo\n\r\n0\r\n\r\n")

        assert client.read_all().startswith(b"4\r\ntwo\n\r\n")
    assert [b"one\n", b"two\n"] == lines


def test_the_client_is_asked_for_the_body_when_the_app_reads(boot_app):
    with RawClient(boot_app(echo).url) as client:
        client.send(b"POST /" + HEAD + CLOSE + b"content-length: 5\r\nexpect: 100-continue\r\n\r\n")
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == client.read_until(b"\r\n\r\n")
        client.send(b"hello")

        assert (200, b"hello") == split(client.read_all())[::2]


def test_a_large_body_goes_both_ways(boot_app):
    body = bytes(range(256)) * 8192
    response = httpx.post(boot_app(echo).url, content=body, timeout=WAIT_SECONDS, trust_env=False)

    assert body == response.content


def test_reading_fails_when_the_client_leaves_in_the_middle(boot_app):
    begun, raised = threading.Event(), threading.Event()

    def app(environ, start_response):
        begun.set()
        try:
            environ["wsgi.input"].read()
        except OSError:
            raised.set()
            raise

    with RawClient(boot_app(app).url) as client:
        client.send(b"POST /" + HEAD + b"content-length: 5\r\n\r\nhe")
        assert begun.wait(WAIT_SECONDS)

    assert raised.wait(WAIT_SECONDS)


def test_as_many_calls_run_at_a_time_as_were_asked_for(boot_app):
    together = threading.Barrier(3, timeout=WAIT_SECONDS)

    def app(environ, start_response):
        assert environ["wsgi.multithread"] is True
        together.wait()
        start_response("200 OK", TEXT)
        return [b"met"]

    booted = boot_app(app, concurrency=3)
    clients = [RawClient(booted.url) for _ in range(3)]
    for client in clients:
        client.send(b"GET /" + HEAD + CLOSE + b"\r\n")

    assert [b"met"] * 3 == [split(client.read_all())[2] for client in clients]
    for client in clients:
        client.close()


def test_an_app_called_one_at_a_time_sees_one_thread(boot_app):
    threads = set()

    def app(environ, start_response):
        threads.add(threading.get_ident())
        start_response("200 OK", TEXT)
        return [b""]

    booted = boot_app(app, concurrency=4)
    for _ in range(5):
        ask(booted.url, b"GET /", HEAD, CLOSE, b"\r\n")
        while booted.unfinished():
            booted.host.barrier()

    assert 1 == len(threads)


def test_closing_is_bounded_although_a_call_hangs(boot_app):
    begun, release = threading.Event(), threading.Event()

    def app(environ, start_response):
        begun.set()
        release.wait(60)
        start_response("200 OK", TEXT)
        return [b""]

    booted = boot_app(app)
    with RawClient(booted.url) as client:
        client.send(b"GET /" + HEAD + b"\r\n")
        assert begun.wait(WAIT_SECONDS)
        booted.close()

        assert b"" == client.read_all()
    assert 1 == booted.unfinished()
    assert not booted.host.is_alive
    release.set()
