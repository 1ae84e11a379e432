"""One connection of the bundled server: bytes in, requests in order, bytes out.

The parsing is httptools'; here is only what a server adds to it: pipelined
requests wait their turn, a slow app makes the client wait, a slow client makes
the app wait, and whoever waits learns when the client is gone. No timers: a
connection that says nothing stays open until one side closes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import httptools

from pytest_reqleak.servers.exchange import Exchange, Head

if TYPE_CHECKING:
    from pytest_reqleak.servers.bundled import BundledServer

# As much as common servers and proxies accept; a longer head is a mistake.
MAX_HEAD_BYTES = 64 * 1024

_REFUSALS = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}


class Connection(asyncio.Protocol):
    """Parses requests, and answers them one after the other."""

    __slots__ = (
        "_deaf",
        "_expects_continue",
        "_fed",
        "_headers",
        "_parser",
        "_queue",
        "_reading",
        "_reading_paused",
        "_refusal",
        "_target",
        "_transport",
        "_waiting",
        "client",
        "current",
        "server",
        "writing_paused",
    )

    def __init__(self, server: BundledServer) -> None:
        self.server = server
        self.client = ("", 0)
        self.current: Exchange | None = None
        self.writing_paused = False
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        # Requests parsed before their turn, and the one whose body is arriving.
        self._queue: deque[Exchange] = deque()
        self._reading: Exchange | None = None
        self._reading_paused = False
        # Whoever waits until the socket takes more, as functions that wake them.
        self._waiting: list[Callable[[], None]] = []
        # Whether what still arrives is ignored, and the status to say so once it is its turn.
        self._deaf = False
        self._refusal = 0
        self._fed = 0
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects_continue = False

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if peer:
            self.client = (peer[0], peer[1])
        self.server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Parse, and begin the next request if none is being answered."""
        if self._deaf or self._parser is None:
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No other protocol is spoken here: the request is answered as it is, and then is the end.
            self._deaf = True
            self.on_message_complete()
        except httptools.HttpParserError:
            self._refuse(self._refusal or 400)
        else:
            if self._fed > MAX_HEAD_BYTES and self._reading is None:
                self._refuse(431)
        if self.current is None and self._queue:
            self._begin_next()
        elif self._queue:
            self._pause_reading()

    def eof_received(self) -> bool:
        """Close: for a server, a client that says no more is gone."""
        return False

    def pause_writing(self) -> None:
        """Let the app wait: the socket takes no more."""
        self.writing_paused = True

    def resume_writing(self) -> None:
        """Wake who waits for the socket."""
        self.writing_paused = False
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request of this connection, and let go of everything."""
        self._deaf = True
        self.server.connections.discard(self)
        for exchange in {self.current, self._reading, *self._queue}:
            if exchange is not None:
                exchange.disconnect()
        self.current = self._reading = None
        self._queue.clear()
        # The parser refers to our methods: a cycle that would wait for the collector.
        self._parser = None
        self.resume_writing()
        self._transport = None

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._target = b""
        self._headers = []
        self._expects_continue = False

    def on_url(self, url: bytes) -> None:
        """Take the request target, or a part of it."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field."""
        name = name.lower()
        # The parser drops the blanks before a value, but keeps those behind it.
        value = value.rstrip(b" \t")
        if name == b"expect" and value.lower() == b"100-continue":
            self._expects_continue = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Make the exchange; it begins when it is its turn and this piece of data is parsed."""
        parser = self._parser
        assert parser is not None
        if self._fed > MAX_HEAD_BYTES:
            size = len(self._target) + sum(len(name) + len(value) + 4 for name, value in self._headers)
            if size > MAX_HEAD_BYTES:
                self._refusal = 431
                raise ValueError("the head is too long")
        version = parser.get_http_version()
        exchange = self.server.exchange(
            self,
            Head(
                parser.get_method().decode("ascii"),
                self._target,
                version,
                self._headers,
                parser.should_keep_alive() and not parser.should_upgrade(),
                self._expects_continue and version == "1.1",
            ),
        )
        # Trailers are reported as headers too; they belong to no head.
        self._headers = []
        self._reading = exchange
        self._queue.append(exchange)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._reading is not None:
            self._reading.feed(body)

    def on_message_complete(self) -> None:
        """End the body."""
        exchange, self._reading = self._reading, None
        self._fed = 0
        if exchange is not None:
            exchange.end_body()
            if not exchange.head.keeps_alive:
                # It was the last request; what follows it is nobody's.
                self._deaf = True

    # What the exchanges call

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket; nothing if the client is gone."""
        transport = self._transport
        if transport is None:
            return
        if transport.is_closing():
            # An earlier write failed. asyncio reports that in the next turn of the loop, which
            # an app that sends and never waits does not let come.
            if self.current is not None:
                self.current.disconnect()
            return
        transport.write(data)

    def when_writable(self, wake: Callable[[], None]) -> None:
        """Call `wake` once the socket takes more, or the client is gone."""
        if self.writing_paused and self._transport is not None:
            self._waiting.append(wake)
        else:
            wake()

    def pause_body(self) -> None:
        """Let the client wait: the app has enough of the body for now."""
        self._pause_reading()

    def resume_body(self) -> None:
        """Read on: the app wants more of the body."""
        if not self._queue:
            self._resume_reading()

    def abandon(self) -> None:
        """Close after what was written: the response cannot be completed."""
        self._deaf = True
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Close at once: the server is being closed."""
        self._deaf = True
        if self._transport is not None:
            self._transport.abort()

    def end_exchange(self, exchange: Exchange) -> None:
        """Answer the next request, or close, now that a response is complete."""
        if exchange is not self.current:
            return
        self.current = None
        if self._transport is None:
            return
        if exchange is self._reading:
            # The app answered before it had read the whole body.
            if exchange.unasked or not exchange.framing.keep_alive:
                self._linger()
            else:
                # The rest is read and dropped: the next request stands behind it.
                self._resume_reading()
        elif not exchange.framing.keep_alive:
            self._deaf = True
            self._transport.close()
        elif self._queue:
            self._begin_next()
        elif self._refusal:
            self._refuse(self._refusal)
        if not self._queue:
            self._resume_reading()

    def _begin_next(self) -> None:
        self.current = self._queue.popleft()
        booted = self.server.booted
        booted.last_error = None
        booted.host.rests = False
        self.current.begin()

    def _refuse(self, status: int) -> None:
        """Answer what is no request, after all that are, and close."""
        self._deaf = True
        self._refusal = status
        broken, self._reading = self._reading, None
        if broken is not None:
            # Its body will never be complete.
            if broken in self._queue:
                self._queue.remove(broken)
            broken.disconnect()
            if broken is self.current:
                self.current = None
                if broken.framing.begun:
                    self.abandon()
                    return
        if self.current is not None or self._queue:
            return
        reason = _REFUSALS[status]
        self.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, reason, len(reason), reason)
        )
        self._linger()

    def _linger(self) -> None:
        """Close our side only: closing a socket with unread data would drop what we sent."""
        self._deaf = True
        self._reading = None
        if self._transport is not None:
            self._resume_reading()
            self._transport.write_eof()

    def _pause_reading(self) -> None:
        if not self._reading_paused and self._transport is not None and not self._transport.is_closing():
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused and self._transport is not None and not self._transport.is_closing():
            self._reading_paused = False
            self._transport.resume_reading()
