"""Call an ASGI 3 app for the requests of a connection, each in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import httptools

from pytest_reqleak.servers.exchange import HIGH_WATER_BYTES, ClientGone, Exchange, Head
from pytest_reqleak.servers.lifespan import ASGI_VERSIONS

if TYPE_CHECKING:
    from pytest_reqleak.servers.connection import Connection


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """The path and the query string of a request target, as they were sent."""
    if not target.startswith(b"/") and target != b"*":
        # A proxy's absolute form, or CONNECT's host and port.
        try:
            url = httptools.parse_url(target)
        except httptools.HttpParserInvalidURLError:
            return b"/", b""
        return url.path or b"/", url.query or b""
    path, _, query = target.partition(b"?")
    return path, query


class AsgiExchange(Exchange):
    """A request as an ASGI app sees it: a scope, `receive` and `send`."""

    __slots__ = ("_buffered", "_pieces", "_told_end", "_waiters", "task")

    def __init__(self, connection: Connection, head: Head) -> None:
        super().__init__(connection, head)
        self.task: asyncio.Task[None] | None = None
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._told_end = False
        self._waiters: list[asyncio.Future[None]] | None = None

    def begin(self) -> None:
        """Call the app in a task."""
        server = self.connection.server
        # Held until the call returns: asyncio itself refers to its tasks weakly.
        server.running.add(self)
        self.task = server.loop.create_task(self._run())

    async def _run(self) -> None:
        server = self.connection.server
        error: BaseException | None = None
        try:
            await server.app(self._scope(), self.receive, self.send)
        except asyncio.CancelledError as cancelled:
            error = cancelled
            if server.closing:
                raise
        except BaseException as raised:  # noqa: BLE001 - a server survives whatever an app raises
            error = raised
        finally:
            self.close_after(error)
            server.running.discard(self)
            # The traceback refers to this frame: break the cycle.
            error = None

    def _scope(self) -> dict[str, Any]:
        head = self.head
        path, query = split_target(head.target)
        scope = self.connection.server.scope.copy()
        scope["asgi"] = ASGI_VERSIONS.copy()
        scope["http_version"] = head.version
        scope["client"] = self.connection.client
        scope["method"] = head.method
        scope["path"] = (
            unquote_to_bytes(path).decode("utf-8", "replace")
            if b"%" in path or not path.isascii()
            else path.decode("ascii")
        )
        scope["raw_path"] = path
        scope["query_string"] = query
        scope["headers"] = head.headers
        scope["state"] = scope["state"].copy()
        return scope

    async def receive(self) -> dict[str, Any]:
        """The body as it arrives, then the disconnect: the client's, or the response's end."""
        if self.unasked:
            self.ask_for_body()
        while not self.disconnected and not self.complete:
            if self._pieces or (self.body_ended and not self._told_end):
                body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
                self._pieces.clear()
                if self._buffered > HIGH_WATER_BYTES:
                    self.connection.resume_body()
                self._buffered = 0
                self._told_end = self.body_ended
                return {"type": "http.request", "body": body, "more_body": not self.body_ended}
            waiter = self.connection.server.loop.create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await waiter
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take a message of the response; waits while the client is slow."""
        if self.disconnected:
            raise ClientGone
        kind = message["type"]
        framing = self.framing
        if kind == "http.response.body" and framing.status and not self.complete:
            last = not message.get("more_body", False)
            connection = self.connection
            data = self.encode(message.get("body", b""), last=last)
            if data:
                connection.write(data)
            if last:
                self.finish()
            elif connection.writing_paused:
                await self._writable()
        elif kind == "http.response.start" and not framing.status:
            framing.start(message["status"], message.get("headers", ()))
        elif self.complete:
            raise RuntimeError(f"{kind!r} was sent after the response was complete")
        else:
            expected = "http.response.body" if framing.status else "http.response.start"
            raise RuntimeError(f"{kind!r} was sent where {expected!r} was expected")

    def feed(self, data: bytes) -> None:
        """Take a piece of the request's body; nobody reads it once the response is complete."""
        if self.complete:
            return
        self._pieces.append(data)
        self._buffered += len(data)
        if self._buffered > HIGH_WATER_BYTES:
            self.connection.pause_body()
        if self._waiters is not None:
            self._wake()

    def end_body(self) -> None:
        """Tell the app that the body is complete."""
        super().end_body()
        if self._waiters is not None:
            self._wake()

    def finish(self) -> None:
        """Tell the app that the client has all it asked for."""
        super().finish()
        if self._waiters is not None:
            self._wake()

    def disconnect(self) -> None:
        """Tell the app that the client is gone."""
        super().disconnect()
        self._wake()

    async def _writable(self) -> None:
        waiter = self.connection.server.loop.create_future()
        self.connection.when_writable(lambda: None if waiter.done() else waiter.set_result(None))
        await waiter
        if self.disconnected:
            raise ClientGone

    def _wake(self) -> None:
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = None
