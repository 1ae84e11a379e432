"""An httpx client on a booted app: over its socket, or straight through its interface.

For tests whose own body is the workload. Answers are the same in both ways: an
app that raises is answered 500, as behind any server; what it raised stays in
`Booted.last_error`.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from pytest_reqleak.drivers.direct import (
    CLIENT_ADDRESS,
    HOST_NAME,
    SERVER_ADDRESS,
    Exchange,
    coroutine_app,
)
from pytest_reqleak.drivers.direct_wsgi import Answer
from pytest_reqleak.servers.app import BootedApp
from pytest_reqleak.servers.booted import Booted
from pytest_reqleak.servers.failure import Returned, describe_exception
from pytest_reqleak.servers.host import HostTimeout
from pytest_reqleak.servers.lifespan import ASGI_VERSIONS
from pytest_reqleak.servers.wsgi import WsgiCall, add_headers, base_environ
from pytest_reqleak.units import format_seconds

if TYPE_CHECKING:
    import httpx
else:
    try:
        import httpx
    except ImportError:
        import httpx2 as httpx

_ERROR_HEADERS = [(b"content-type", b"text/plain; charset=utf-8")]


def make_client(booted: BootedApp, *, request_seconds: float) -> httpx.Client:
    """Make a client whose relative URLs reach the app.

    Args:
        booted: The app, on any server.
        request_seconds: How long a request may take.
    """
    if booted.url is not None:
        # A proxy in the environment is not meant for a loopback socket.
        return httpx.Client(base_url=booted.url, timeout=request_seconds, trust_env=False)
    assert isinstance(booted, Booted), "only an app in this process has no socket"
    return httpx.Client(
        transport=DirectTransport(booted, request_seconds=request_seconds),
        base_url=f"http://{HOST_NAME}",
        timeout=request_seconds,
        trust_env=False,
    )


class DirectTransport(httpx.BaseTransport):
    """Carries requests to an app that has no socket; one at a time, each read to its end."""

    def __init__(self, booted: Booted, *, request_seconds: float) -> None:
        self._booted = booted
        self._request_seconds = request_seconds
        self._call = coroutine_app(booted.app) if booted.interface == "asgi" else booted.app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Call the app, and wait until its call has returned.

        Raises:
            httpx.ReadTimeout: It took too long.
            httpx.RemoteProtocolError: The response broke off.
        """
        self._booted.last_error = None
        body = request.read()
        answer: _WholeExchange | _WholeAnswer
        if self._booted.interface == "asgi":
            answer, error = self._call_asgi(request, body)
        else:
            answer, error = self._call_wsgi(request, body)
        if error is not None and answer.complete:
            self._booted.unseen.take(error, status=answer.status)
        elif error is None and not answer.status:
            error = Returned("returned without a response")
        self._booted.last_error = error
        status, headers, pieces = answer.status, answer.headers, answer.pieces
        if not status:
            status, headers, pieces = 500, _ERROR_HEADERS, [b"Internal Server Error"]
        elif not answer.complete:
            why = "it returned" if error is None else describe_exception(error)
            raise httpx.RemoteProtocolError(
                f"the app's response broke off: {why}", request=request
            ) from error
        content = b"" if request.method == "HEAD" else b"".join(pieces)
        # A stream rather than content: the app's own headers must stay as they are.
        return httpx.Response(status, headers=list(headers), stream=httpx.ByteStream(content))

    def _call_asgi(self, request: httpx.Request, body: bytes) -> tuple[_WholeExchange, BaseException | None]:
        exchange = _WholeExchange(body)
        raw_path, _, query = request.url.raw_path.partition(b"?")
        scope = {
            "type": "http",
            "asgi": ASGI_VERSIONS.copy(),
            "http_version": "1.1",
            "server": SERVER_ADDRESS,
            "client": CLIENT_ADDRESS,
            "scheme": request.url.scheme,
            "method": request.method,
            "root_path": "",
            "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
            "raw_path": raw_path,
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "state": self._booted.state.copy(),
        }
        try:
            error = self._booted.host.run(
                _outcome(self._call, scope, exchange), timeout=self._request_seconds
            )
        except HostTimeout as late:
            raise httpx.ReadTimeout(_late(request, self._request_seconds), request=request) from late
        return exchange, error

    def _call_wsgi(self, request: httpx.Request, body: bytes) -> tuple[_WholeAnswer, BaseException | None]:
        answer = _WholeAnswer()
        raw_path, _, query = request.url.raw_path.partition(b"?")
        environ = base_environ(
            method=request.method,
            server=SERVER_ADDRESS,
            client=CLIENT_ADDRESS,
            multithread=self._booted.concurrency > 1,
        )
        environ["PATH_INFO"] = unquote_to_bytes(raw_path).decode("latin-1")
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.errors"] = sys.stderr
        add_headers(environ, [(name.lower(), value) for name, value in request.headers.raw])
        ended = threading.Lock()
        ended.acquire()
        errors: list[BaseException] = []

        def job() -> None:
            try:
                WsgiCall(answer).run(self._call, environ)
            except BaseException as error:  # noqa: BLE001 - a server survives whatever an app raises
                errors.append(error)
            finally:
                ended.release()

        assert self._booted.threads is not None
        self._booted.threads.submit(job)
        if not ended.acquire(timeout=min(self._request_seconds, threading.TIMEOUT_MAX)):
            raise httpx.ReadTimeout(
                f"{_late(request, self._request_seconds)}; a WSGI call cannot be cancelled, "
                "so its thread is left behind, still running",
                request=request,
            )
        return answer, errors.pop() if errors else None


class _WholeExchange(Exchange):
    """One whose whole body is kept."""

    __slots__ = ("pieces",)

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.pieces: list[bytes] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await super().send(message)
        if message["type"] == "http.response.body":
            self.pieces.append(message.get("body", b""))


class _WholeAnswer(Answer):
    """One whose whole body is kept."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, piece: bytes, *, last: bool) -> None:
        super().write(piece, last=last)
        self.pieces.append(piece)


async def _outcome(call: Any, scope: dict[str, Any], exchange: Exchange) -> BaseException | None:
    """What the app raised; a value, so that only a timeout raises here."""
    try:
        await call(scope, exchange.receive, exchange.send)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - a server survives whatever an app raises
        return error
    return None


def _late(request: httpx.Request, seconds: float) -> str:
    return f"{request.method} {request.url.path} was not done after {format_seconds(seconds)}"
