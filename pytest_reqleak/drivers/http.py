"""Send a workload over sockets, on keep-alive connections.

One request at a time needs nothing but blocking calls on one socket; several at
a time are multiplexed by this same thread, so that the client adds no threads
to the process that is measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import httptools

from pytest_reqleak.drivers.failure import broken_answer, no_answer, unexpected_status
from pytest_reqleak.drivers.multiplex import Multiplexer
from pytest_reqleak.drivers.template import Template
from pytest_reqleak.drivers.wire import READ_BYTES, ClientConnection, WireTemplate, take_apart
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.model.request import Request
from pytest_reqleak.servers.app import BootedApp
from pytest_reqleak.servers.failure import describe_exception

# A longer request is sent and its response read at the same time: an app that answers while
# it reads would otherwise wait for us while we wait for it.
_SENT_AT_ONCE_BYTES = 64 * 1024

# A server whose worker has crashed notices it, and ends too, within milliseconds.
_GONE_SECONDS = 0.5


class HttpDriver:
    """Speaks HTTP/1.1 to what listens at the booted app's url."""

    def __init__(
        self, booted: BootedApp, requests: Sequence[Request], *, concurrency: int, request_seconds: float
    ) -> None:
        assert booted.url is not None
        url = urlsplit(booted.url)
        host, port = url.hostname or "127.0.0.1", url.port or 80
        self._booted = booted
        self._wires = [WireTemplate(Template(request, host=f"{host}:{port}")) for request in requests]
        self._request_seconds = request_seconds
        self._connections = [ClientConnection((host, port)) for _ in range(concurrency)]

    def run_batch(self, first: int, count: int, only: int | None = None) -> None:
        """Make the iterations happen; see `Driver`. Connections stay open for the next batch."""
        wires = self._wires if only is None else self._wires[only : only + 1]
        numbers = iter(range(first, first + count))
        for connection in self._connections:
            # Only here: within a batch no connection is idle for long enough to be closed.
            if connection.is_stale():
                connection.close()
        try:
            if len(self._connections) == 1:
                self._one_by_one(wires, numbers, self._connections[0])
            else:
                self._multiplexed(wires, numbers, self._connections)
            # What a call does behind its response is mostly done by now; then nobody must wait for it.
            self._booted.pass_loop()
        except BaseException:
            # What stands half read on a connection belongs to no later request.
            self.close()
            raise
        finally:
            self._booted.last_error = None

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()

    def _one_by_one(
        self, wires: list[WireTemplate], numbers: Iterator[int], connection: ClientConnection
    ) -> None:
        requests = len(wires)
        for number in numbers:
            wire = wires[number % requests]
            data = wire.fill(number)
            if len(data) > _SENT_AT_ONCE_BYTES:
                self._multiplexed([wire], iter((number,)), [connection])
                continue
            try:
                try:
                    self._round_trip(wire, data, connection)
                except ConnectionError:
                    if not connection.can_retry:
                        raise
                    connection.close()
                    self._round_trip(wire, data, connection)
            except (OSError, httptools.HttpParserError) as error:
                raise self._failure(wire, number, connection, error) from error
            self._conclude(wire, number, connection)

    def _round_trip(self, wire: WireTemplate, data: bytes, connection: ClientConnection) -> None:
        """Send, and read until the answer can be judged."""
        template = wire.template
        sock = connection.open(self._request_seconds)
        connection.begin(method=template.method)
        sock.sendall(data)
        if connection.take(sock.recv(READ_BYTES)):
            return
        deadline = time.monotonic() + self._request_seconds
        while not (template.leaves_early and connection.status):
            if connection.take(sock.recv(READ_BYTES)):
                return
            # The socket's own timeout is for each piece; an endless response must end too.
            if time.monotonic() > deadline:
                raise TimeoutError

    def _multiplexed(
        self, wires: list[WireTemplate], numbers: Iterator[int], connections: list[ClientConnection]
    ) -> None:
        multiplexer = Multiplexer(
            connections, request_seconds=self._request_seconds, conclude=self._conclude, failure=self._failure
        )
        try:
            multiplexer.run(wires, numbers)
        finally:
            multiplexer.close()

    def _conclude(self, wire: WireTemplate, number: int, connection: ClientConnection) -> None:
        """Judge a response, and make the connection ready for the next request."""
        template = wire.template
        status = connection.status
        if status not in template.good:
            headers, body = take_apart(connection.received)
            raise unexpected_status(
                template.request,
                number,
                status,
                headers=headers,
                body=body,
                error=self._error_of_the_app(),
                output=self._booted.output_tail(),
            )
        if template.leaves_early:
            connection.close()
        else:
            connection.end()

    def _failure(
        self, wire: WireTemplate, number: int, connection: ClientConnection, error: Exception
    ) -> ReqleakError:
        """Say what became of a request that got no whole response."""
        request, status = wire.template.request, connection.status
        if isinstance(error, TimeoutError):
            return no_answer(
                request,
                number,
                self._request_seconds,
                reached=f"its response (status {status}) had begun but not ended"
                if status
                else "no response had begun",
                left_behind="a WSGI call cannot be cancelled, so its thread is left behind, still running"
                if self._booted.interface == "wsgi"
                else "",
            )
        shown = (status, *take_apart(connection.received)) if status else None
        if isinstance(error, ConnectionError):
            gone = self._booted.gone(_GONE_SECONDS)
            if gone is not None:
                return gone
            what = (
                f"got a response (status {status}) that broke off: the server closed the connection"
                if status
                else f"got no response: {describe_exception(error)}"
            )
        elif isinstance(error, OSError):
            what = f"could not be sent: {describe_exception(error)}"
        else:
            what = f"got a response that is no HTTP: {error}"
        return broken_answer(
            request,
            number,
            what,
            error=self._error_of_the_app(),
            shown=shown,
            output=self._booted.output_tail(),
        )

    def _error_of_the_app(self) -> BaseException | None:
        # A framework may send its answer first and raise right after.
        self._booted.pass_loop()
        return self._booted.last_error
