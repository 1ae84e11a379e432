"""Have several requests in flight on as many connections, from one thread.

Knows when to send and when to read; what an answer is worth is judged by whoever
passed `conclude` and `failure`.
"""

from __future__ import annotations

import contextlib
import selectors
import time
from collections.abc import Callable, Iterator

import httptools

from pytest_reqleak.drivers.wire import READ_BYTES, ClientConnection, WireTemplate

# Requests that take too long are looked for this often within the time they may take.
_LOOKS = 8

Conclude = Callable[[WireTemplate, int, ClientConnection], None]
Failure = Callable[[WireTemplate, int, ClientConnection, Exception], Exception]


class _Flight:
    """A connection and the request on it."""

    __slots__ = ("connection", "deadline", "events", "number", "retried", "unsent", "wire")

    wire: WireTemplate

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.number = 0
        self.unsent: memoryview = memoryview(b"")
        # What the selector watches the socket for; 0: it does not.
        self.events = 0
        self.deadline = 0.0
        self.retried = False


class Multiplexer:
    """Runs iterations over the connections; made for one batch, since it holds a selector."""

    def __init__(
        self,
        connections: list[ClientConnection],
        *,
        request_seconds: float,
        conclude: Conclude,
        failure: Failure,
    ) -> None:
        """Take the connections over until `close`.

        Args:
            connections: Open or not.
            request_seconds: How long one request may take.
            conclude: Called with each response that can be judged; it ends or
                closes the connection, and raises if the answer is none.
            failure: Makes the exception for a request that got no response.
        """
        self._flights = [_Flight(connection) for connection in connections]
        self._request_seconds = request_seconds
        self._conclude = conclude
        self._failure = failure
        self._selector = selectors.DefaultSelector()

    def run(self, wires: list[WireTemplate], numbers: Iterator[int]) -> None:
        """Send the requests of all numbers; returns when all are answered."""
        flying = [flight for flight in self._flights if self._launch_next(flight, wires, numbers)]
        look_seconds = self._request_seconds / _LOOKS
        next_look = time.monotonic() + look_seconds
        while flying:
            for key, _ in self._selector.select(look_seconds):
                flight = key.data
                if self._advance(flight) and not self._launch_next(flight, wires, numbers):
                    # Its connection is idle from now on: that the server closes it answers no request.
                    self._forget(flight)
                    flying.remove(flight)
            now = time.monotonic()
            if now < next_look:
                continue
            next_look = now + look_seconds
            for flight in flying:
                if now > flight.deadline:
                    raise self._failure(flight.wire, flight.number, flight.connection, TimeoutError())

    def close(self) -> None:
        """Give the connections back as blocking ones."""
        self._selector.close()
        for flight in self._flights:
            sock = flight.connection.sock
            if sock is not None:
                sock.settimeout(self._request_seconds)

    def _launch_next(self, flight: _Flight, wires: list[WireTemplate], numbers: Iterator[int]) -> bool:
        """Send the next request; whether there was one."""
        number = next(numbers, None)
        if number is None:
            return False
        flight.number = number
        flight.wire = wires[number % len(wires)]
        flight.retried = False
        flight.deadline = time.monotonic() + self._request_seconds
        self._attempt(flight, self._launch)
        return True

    def _advance(self, flight: _Flight) -> bool:
        """Send and read what can be; whether the request is done."""
        connection, wire = flight.connection, flight.wire
        self._attempt(flight, self._send_and_read)
        if not connection.ended and not (wire.template.leaves_early and connection.status):
            return False
        incomplete = bool(flight.unsent)
        self._conclude(wire, flight.number, connection)
        if incomplete:
            # The server answered without reading on; no next request can follow on this connection.
            flight.unsent = memoryview(b"")
            self._forget(flight)
            connection.close()
        if connection.sock is None:
            flight.events = 0
        return True

    def _attempt(self, flight: _Flight, step: Callable[[_Flight], None]) -> None:
        """Do a step; once more on a new connection, if the server had closed an idle one."""
        connection = flight.connection
        try:
            try:
                step(flight)
            except ConnectionError:
                if flight.retried or not connection.can_retry:
                    raise
                flight.retried = True
                self._forget(flight)
                connection.close()
                self._launch(flight)
        except (OSError, httptools.HttpParserError) as error:
            raise self._failure(flight.wire, flight.number, connection, error) from error

    def _launch(self, flight: _Flight) -> None:
        connection = flight.connection
        flight.unsent = memoryview(flight.wire.fill(flight.number))
        sock = connection.open(self._request_seconds)
        sock.setblocking(False)
        connection.begin(method=flight.wire.template.method)
        self._send(flight)

    def _send_and_read(self, flight: _Flight) -> None:
        connection = flight.connection
        if flight.unsent:
            self._send(flight)
        assert connection.sock is not None
        with contextlib.suppress(BlockingIOError):
            connection.take(connection.sock.recv(READ_BYTES))
        leaves = flight.wire.template.leaves_early and connection.status
        if leaves or (connection.ended and not connection.keeps_alive):
            self._forget(flight)

    def _send(self, flight: _Flight) -> None:
        sock = flight.connection.sock
        assert sock is not None
        with contextlib.suppress(BlockingIOError):
            flight.unsent = flight.unsent[sock.send(flight.unsent) :]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if flight.unsent else 0)
        if not flight.events:
            self._selector.register(sock, events, flight)
        elif flight.events != events:
            self._selector.modify(sock, events, flight)
        flight.events = events

    def _forget(self, flight: _Flight) -> None:
        """Stop watching, while the socket is open: a closed one has no number to be found by."""
        if flight.events and flight.connection.sock is not None:
            self._selector.unregister(flight.connection.sock)
        flight.events = 0
