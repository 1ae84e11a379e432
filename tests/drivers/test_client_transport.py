"""httpx clients on booted apps."""

from __future__ import annotations

import asyncio
import gzip
import threading

import flask
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from small_apps import http_only, respond

from pytest_reqleak.drivers.client_transport import make_client

REQUEST_SECONDS = 10.0


def fastapi_app():
    app = FastAPI()

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request):
        return {
            "name": name,
            "query": dict(request.query_params),
            "body": (await request.body()).decode(),
            "cookie": request.cookies.get("session"),
            "path": request.scope["raw_path"].decode(),
        }

    @app.get("/login")
    def login():
        response = PlainTextResponse("in")
        response.set_cookie("session", "s1")
        return response

    @app.get("/zip")
    def zipped():
        return PlainTextResponse(gzip.compress(b"plain"), headers={"content-encoding": "gzip"})

    @app.get("/stream")
    def stream():
        return StreamingResponse(iter([b"one", b"two"]))

    @app.get("/away")
    def away():
        return RedirectResponse("/stream")

    @app.get("/boom")
    def boom():
        raise LookupError("boom")

    return app


def flask_app():
    app = flask.Flask("shop")

    @app.post("/echo/<name>")
    def echo(name):
        return {
            "name": name,
            "query": dict(flask.request.args),
            "body": flask.request.get_data(as_text=True),
            "cookie": flask.request.cookies.get("session"),
        }

    @app.get("/login")
    def login():
        response = flask.make_response("in")
        response.set_cookie("session", "s1")
        return response

    @app.get("/zip")
    def zipped():
        return gzip.compress(b"plain"), {"content-encoding": "gzip"}

    @app.get("/stream")
    def stream():
        return iter(["one", "two"])

    @app.get("/away")
    def away():
        return flask.redirect("/stream")

    @app.get("/boom")
    def boom():
        raise LookupError("boom")

    return app


@pytest.fixture(params=[fastapi_app, flask_app], ids=["asgi", "wsgi"])
def booted(request, boot_app, server):
    return boot_app(request.param(), server=server)


@pytest.fixture
def client(booted):
    with make_client(booted, request_seconds=REQUEST_SECONDS) as client:
        yield client


def test_a_request_arrives_as_it_was_made(client):
    told = client.post("/echo/ä b", params={"q": "1"}, content="text").json()

    assert ("ä b", {"q": "1"}, "text", None) == (told["name"], told["query"], told["body"], told["cookie"])


def test_cookies_are_kept(client):
    client.get("/login")

    assert "s1" == client.post("/echo/x").json()["cookie"]


def test_encoded_and_streamed_bodies_are_decoded(client):
    assert ("plain", "onetwo") == (client.get("/zip").text, client.get("/stream").text)


def test_redirects_are_followed_when_asked(client):
    assert 307 == client.get("/away").status_code or 302 == client.get("/away").status_code
    assert "onetwo" == client.get("/away", follow_redirects=True).text


def test_a_head_request_has_no_body(client):
    assert ("", "2") == (client.head("/login").text, client.get("/login").headers["content-length"])


@pytest.mark.parametrize("app", [fastapi_app])
def test_an_app_that_raises_is_answered_500_and_its_error_is_kept(boot_app, server, app):
    booted = boot_app(app(), server=server)
    with make_client(booted, request_seconds=REQUEST_SECONDS) as client:
        assert 500 == client.get("/boom").status_code
        booted.host.barrier()
        assert isinstance(booted.last_error, LookupError)
        client.get("/stream")
        booted.host.barrier()
        assert booted.last_error is None


def test_an_app_without_a_response_is_answered_500(boot_app, server):
    @http_only
    async def app(scope, receive, send):
        return

    with make_client(boot_app(app, server=server), request_seconds=REQUEST_SECONDS) as client:
        assert 500 == client.get("/").status_code


def test_a_program_ending_exception_is_only_the_requests(boot_app, server):
    @http_only
    async def app(scope, receive, send):
        raise SystemExit(3)

    with make_client(boot_app(app, server=server), request_seconds=REQUEST_SECONDS) as client:
        assert 500 == client.get("/").status_code
        assert 500 == client.get("/").status_code


def test_a_response_that_breaks_off_is_a_protocol_error(boot_app, server):
    @http_only
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("boom")

    booted = boot_app(app, server=server)
    with (
        make_client(booted, request_seconds=REQUEST_SECONDS) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.get("/")


def test_a_request_that_is_never_answered_times_out(boot_app, server):
    @http_only
    async def app(scope, receive, send):
        await asyncio.get_running_loop().create_future()

    booted = boot_app(app, server=server)
    with make_client(booted, request_seconds=0.1) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/")


def test_a_wsgi_call_that_hangs_times_out(boot_app, server, monkeypatch):
    monkeypatch.setattr("pytest_reqleak.servers.booted.GRACE_SECONDS", 0.05)
    release = threading.Event()

    def app(environ, start_response):
        release.wait(60)
        start_response("200 OK", [])
        return [b""]

    booted = boot_app(app, server=server)
    with make_client(booted, request_seconds=0.1) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/")
    booted.close()
    release.set()


def test_a_proxy_of_the_environment_is_not_used(boot_app, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    @http_only
    async def app(scope, receive, send):
        await respond(send, b"fine")

    with make_client(boot_app(app, server=server), request_seconds=REQUEST_SECONDS) as client:
        assert "fine" == client.get("/").text
