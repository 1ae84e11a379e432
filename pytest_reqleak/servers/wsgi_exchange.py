"""Call a WSGI app for the requests of a connection, on threads beside the event loop.

Rule of this file: what the app's thread hands to the connection goes through the
loop, in order; what it waits for is woken when the client is gone.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from pytest_reqleak.servers.asgi import split_target
from pytest_reqleak.servers.exchange import HIGH_WATER_BYTES, ClientGone, Exchange, Head
from pytest_reqleak.servers.wsgi import Headers, WsgiCall, add_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from pytest_reqleak.servers.connection import Connection

_END = b""


class BodyReader(io.RawIOBase):
    """A request's body that is still arriving; reading waits for it."""

    def __init__(self, exchange: WsgiExchange) -> None:
        self._exchange = exchange
        self._rest = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Wait for bytes; 0 at the end of the body."""
        if not self._rest and not self._ended:
            piece = self._exchange.next_piece()
            self._ended = not piece
            self._rest = memoryview(piece)
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


class WsgiExchange(Exchange):
    """A request as a WSGI app sees it; `_run` and what it calls run on a thread of the server."""

    __slots__ = ("_fed", "_pieces", "_posted", "_stream", "_taken")

    def __init__(self, connection: Connection, head: Head) -> None:
        super().__init__(connection, head)
        self._pieces: list[bytes] = []
        # Only if the app is called before the body is complete; None in it: the client is gone.
        self._stream: SimpleQueue[bytes | None] | None = None
        # Two counters rather than one: the loop alone writes the one, the app's thread the other.
        self._fed = 0
        self._taken = 0
        self._posted = 0

    def begin(self) -> None:
        """Call the app on a thread."""
        server = self.connection.server
        if not self.body_ended:
            self._stream = SimpleQueue()
            for piece in self._pieces:
                self._stream.put(piece)
            self._pieces.clear()
        assert server.threads is not None
        server.threads.submit(self._run)

    def feed(self, data: bytes) -> None:
        """Take a piece of the request's body; nobody reads it once the response is complete."""
        if self.complete:
            return
        self._fed += len(data)
        if self._stream is None:
            self._pieces.append(data)
        else:
            self._stream.put(data)
        if self._fed - self._taken > HIGH_WATER_BYTES:
            self.connection.pause_body()

    def end_body(self) -> None:
        """Tell the app's thread that the body is complete."""
        super().end_body()
        if self._stream is not None:
            self._stream.put(_END)

    def disconnect(self) -> None:
        """Tell the app's thread that the client is gone."""
        super().disconnect()
        if self._stream is not None:
            self._stream.put(None)

    def next_piece(self) -> bytes:
        """Wait for the next piece of the body, on the app's thread; empty at its end."""
        assert self._stream is not None
        if self.unasked:
            self._post(self.ask_for_body)
        piece = self._stream.get()
        if piece is None:
            raise ClientGone
        self._taken += len(piece)
        self._post(self.connection.resume_body)
        return piece

    def start(self, status: int, reason: bytes, headers: Headers) -> None:
        """Take the response's head, on the app's thread."""
        self.framing.start(status, headers, reason)

    def write(self, piece: bytes, *, last: bool) -> None:
        """Take a piece of the response's body, on the app's thread; waits while the client is slow."""
        if self.disconnected:
            raise ClientGone
        data = self.encode(piece, last=last)
        if last:
            self._post(self._end_response, data)
            return
        self._post(self.connection.write, data)
        self._posted += len(data)
        if self._posted > HIGH_WATER_BYTES:
            self._posted = 0
            sent = threading.Lock()
            sent.acquire()
            self._post(self.connection.when_writable, sent.release)
            sent.acquire()

    def _run(self) -> None:
        server = self.connection.server
        error: BaseException | None = None
        try:
            WsgiCall(self).run(server.app, self._environ())
        except BaseException as raised:  # noqa: BLE001 - a server survives whatever an app raises
            error = raised
        # Most calls have nothing left to do on the loop: one hop less.
        if error is not None or not self.framing.ended:
            with contextlib.suppress(ClientGone):
                self._post(self.close_after, error)
        # The traceback refers to this frame: break the cycle.
        error = None

    def _end_response(self, data: bytes) -> None:
        if not self.disconnected:
            self.connection.write(data)
            self.finish()

    def _environ(self) -> dict[str, Any]:
        head, server = self.head, self.connection.server
        path, query = split_target(head.target)
        environ = server.environ.copy()
        environ["REQUEST_METHOD"] = head.method
        environ["SERVER_PROTOCOL"] = f"HTTP/{head.version}"
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = (
            self.connection.client[0],
            str(self.connection.client[1]),
        )
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["wsgi.errors"] = sys.stderr
        if self._stream is None:
            environ["wsgi.input"] = io.BytesIO(b"".join(self._pieces))
        else:
            environ["wsgi.input"] = io.BufferedReader(BodyReader(self))
        add_headers(environ, head.headers)
        return environ

    def _post(self, call: Callable[..., object], *arguments: Any) -> None:
        try:
            self.connection.server.loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The loop was closed under a call that hung: nobody is there to be told.
            raise ClientGone from None
