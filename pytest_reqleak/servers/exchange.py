"""One request on a connection, and what becomes of it whatever the app's interface.

Knows who must be told what at the ends of a request and its response; not how
the app is called, which the subclasses do, nor how bytes look, which `Framing` does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pytest_reqleak.servers.failure import Returned
from pytest_reqleak.servers.framing import Framing

if TYPE_CHECKING:
    from pytest_reqleak.servers.connection import Connection

HIGH_WATER_BYTES = 64 * 1024
"""As many bytes of a request's body wait for the app; then the client must."""

_ERROR_HEADERS = [(b"content-type", b"text/plain; charset=utf-8")]


class ClientGone(OSError):
    """The client closed its connection; ASGI's `send` raises an OSError then, from 2.4 on."""

    def __init__(self) -> None:
        super().__init__("the client has disconnected")


class Head:
    """What the parser found in a request's head; header names in lower case."""

    __slots__ = ("expects_continue", "headers", "keeps_alive", "method", "target", "version")

    def __init__(
        self,
        method: str,
        target: bytes,
        version: str,
        headers: list[tuple[bytes, bytes]],
        keeps_alive: bool,
        expects_continue: bool,
    ) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.keeps_alive = keeps_alive
        self.expects_continue = expects_continue


class Exchange:
    """A request being answered. All methods run on the loop unless they say otherwise.

    Attributes:
        head: The request's.
        framing: The response's state.
        body_ended: Whether the request's body has arrived in full.
        unasked: Whether the client waits to be asked for the body.
        complete: Whether the response's last byte was handed to the socket.
        disconnected: Whether the client went before that.
    """

    __slots__ = ("body_ended", "complete", "connection", "disconnected", "framing", "head", "unasked")

    def __init__(self, connection: Connection, head: Head) -> None:
        self.connection = connection
        self.head = head
        self.framing = Framing(method=head.method, version=head.version, keep_alive=head.keeps_alive)
        self.unasked = head.expects_continue
        self.body_ended = False
        self.complete = False
        self.disconnected = False

    def begin(self) -> None:
        """Have the app called."""
        raise NotImplementedError

    def feed(self, data: bytes) -> None:
        """Take a piece of the request's body."""
        raise NotImplementedError

    def end_body(self) -> None:
        """Learn that the request's body is complete."""
        self.body_ended = True

    def disconnect(self) -> None:
        """Learn that the client is gone."""
        self.disconnected = True

    def ask_for_body(self) -> None:
        """Send `100 Continue` to a client that waits for it."""
        if self.unasked and not self.body_ended and not self.framing.begun:
            self.connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.unasked = False

    def encode(self, piece: bytes, *, last: bool) -> bytes:
        """Frame a piece of the response; see `Framing.encode`. Any thread."""
        if self.unasked and not self.body_ended:
            # The client may send the body after all, or not: no next request can be told from it.
            self.framing.keep_alive = False
        return self.framing.encode(piece, last=last)

    def finish(self) -> None:
        """Make the connection free for the next request: the response is complete."""
        self.complete = True
        self.connection.end_exchange(self)

    def close_after(self, error: BaseException | None) -> None:
        """Do for an app call that ended what is left to do: nothing, if it responded.

        Args:
            error: What the call raised; None: it returned.
        """
        if self.disconnected:
            return
        server, framing = self.connection.server, self.framing
        if error is not None:
            server.booted.last_error = error
        elif not self.complete:
            how = "before its response was complete" if framing.status else "without a response"
            server.booted.last_error = Returned(f"returned {how}")
        if self.complete:
            # What is cancelled with the server has done nothing wrong.
            if error is not None and not (server.closing and isinstance(error, asyncio.CancelledError)):
                server.booted.unseen.take(error, status=framing.status)
            return
        if self.framing.begun:
            # The client must not take half a response for a whole one.
            self.connection.abandon()
            return
        self.framing.start(500, _ERROR_HEADERS)
        self.connection.write(self.encode(b"Internal Server Error", last=True))
        self.finish()
