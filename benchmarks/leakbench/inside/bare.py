"""Send the requests of a case to its app, one after another, and measure nothing.

Every peer gets its requests from here, and the bare loop that all times are
compared with is this alone: no client library, no socket, no server.
Stdlib only, because each import here is part of what a peer measures.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

_LIFESPAN_SECONDS = 60


class Bare:
    """An app and its requests; `call()` sends the next one.

    ASGI apps get one event loop, one lifespan, and a task for each request, as
    servers do. What an app raises is dropped: some of them fail on purpose.
    """

    def __init__(self, app: Any, interface: str, requests: list[dict[str, Any]]) -> None:
        self.app = app
        self.requests = requests
        self.sent = 0
        self._loop = asyncio.new_event_loop() if interface == "asgi" else None
        self._lifespan: _Lifespan | None = None

    def __enter__(self) -> Bare:
        if self._loop is not None:
            asyncio.set_event_loop(self._loop)
            self._lifespan = _Lifespan(self.app, self._loop)
            self._loop.run_until_complete(self._lifespan.start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._lifespan is not None:
            self._loop.run_until_complete(self._lifespan.stop())
            asyncio.set_event_loop(None)
            self._loop.close()

    def call(self) -> None:
        """Send the next request and read its answer to the end."""
        request = self.requests[self.sent % len(self.requests)]
        number = str(self.sent)
        self.sent += 1
        try:
            if self._loop is None:
                _call_wsgi(self.app, request, number)
            else:
                state = self._lifespan.state if self._lifespan else {}
                self._loop.run_until_complete(_call_asgi(self.app, request, number, state))
        except Exception:
            return

    def call_many(self, count: int) -> None:
        """Send the next so many requests."""
        for _ in range(count):
            self.call()


def load(requests_file: str, interface: str, module: str = "case_app") -> Bare:
    """The case whose file and requests lie in the current folder."""
    sys.path.insert(0, "")
    requests = json.loads(Path(requests_file).read_text("utf-8"))
    return Bare(importlib.import_module(module).app, interface, requests)


async def _call_asgi(app: Any, request: dict[str, Any], number: str, state: dict[str, Any]) -> None:
    body = _body(request, number)
    path, _, query = request["path"].replace("{i}", number).partition("?")
    gone = request.get("ending") == "disconnect"
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    complete = asyncio.Event()
    sent = 0

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        if not gone:
            await complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal sent
        sent += 1
        if gone and sent > 2:
            raise OSError("the client is gone")
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            complete.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.get("method", "GET"),
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in _headers(request, number, body)
        ],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": dict(state),
    }
    await app(scope, receive, send)


def _call_wsgi(app: Callable[..., Iterable[bytes]], request: dict[str, Any], number: str) -> None:
    body = _body(request, number)
    path, _, query = request["path"].replace("{i}", number).partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.get("method", "GET"),
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in _headers(request, number, body):
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    chunks = app(environ, lambda status, headers, exc_info=None: lambda data: None)
    try:
        for number_of_chunk, _chunk in enumerate(chunks):
            if request.get("ending") == "disconnect" and number_of_chunk:
                break
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def _headers(request: dict[str, Any], number: str, body: bytes) -> list[tuple[str, str]]:
    headers = [("Host", "127.0.0.1:8000")]
    headers += [(name, value.replace("{i}", number)) for name, value in request.get("headers", {}).items()]
    names = {name.lower() for name, _ in headers}
    if "json" in request and "content-type" not in names:
        headers.append(("Content-Type", "application/json"))
    if body:
        headers.append(("Content-Length", str(len(body))))
    return headers


def _body(request: dict[str, Any], number: str) -> bytes:
    if "json" in request:
        return json.dumps(_filled(request["json"], number)).encode()
    return str(request.get("content", "")).replace("{i}", number).encode()


def _filled(value: Any, number: str) -> Any:
    if isinstance(value, str):
        return value.replace("{i}", number)
    if isinstance(value, list):
        return [_filled(item, number) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, number) for key, item in value.items()}
    return value


class _Lifespan:
    """The app's start and end; an app without a lifespan has neither."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._loop = loop
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = self._loop.create_task(self._run())
        await self._step("startup")

    async def stop(self) -> None:
        await self._step("shutdown")

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except Exception:
            return

    async def _step(self, name: str) -> None:
        if self._task is None or self._task.done():
            return
        self._to_app.put_nowait({"type": f"lifespan.{name}"})
        answer = self._loop.create_task(self._from_app.get())
        await asyncio.wait(
            {answer, self._task}, timeout=_LIFESPAN_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        answer.cancel()
