"""Several requests in flight: each is sent and judged once, whatever becomes of its connection."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from pytest_reqleak.drivers.multiplex import Multiplexer
from pytest_reqleak.drivers.template import Template
from pytest_reqleak.drivers.wire import ClientConnection, WireTemplate
from pytest_reqleak.model.request import Request

WAIT_SECONDS = 10.0
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Served:
    """Two connections to a server that a test writes by hand, and what was judged of its answers.

    Attributes:
        listener: Where they come to.
        one_judged: Released with each answer that was judged.
    """

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT_SECONDS)
        self.one_judged = threading.Semaphore(0)
        self._judged = []
        self._thread = threading.Thread(target=serve, args=(self,), daemon=True)
        self._thread.start()

    def accept(self):
        return self.listener.accept()[0]

    def wait_until_one_is_judged(self):
        assert self.one_judged.acquire(timeout=WAIT_SECONDS)

    def judged(self, request, numbers):
        connections = [ClientConnection(self.listener.getsockname()) for _ in range(2)]
        multiplexer = Multiplexer(
            connections,
            request_seconds=WAIT_SECONDS,
            conclude=self._conclude,
            failure=lambda wire, number, connection, error: error,
        )
        try:
            multiplexer.run([WireTemplate(Template(request, host="127.0.0.1"))], iter(numbers))
        finally:
            multiplexer.close()
            for connection in connections:
                connection.close()
            self._thread.join(WAIT_SECONDS)
        return sorted(self._judged)

    def _conclude(self, wire, number, connection):
        self._judged.append(number)
        connection.end()
        self.one_judged.release()


@pytest.mark.parametrize("linger", [None, struct.pack("ii", 1, 0)], ids=["closed", "reset"])
def test_a_connection_that_is_closed_after_its_last_answer_concerns_nobody(linger):
    def serve(server):
        first, second = server.accept(), server.accept()
        for connection in (first, second):
            connection.recv(65536)
        first.sendall(OK)
        server.wait_until_one_is_judged()
        if linger is not None:
            first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        first.close()
        with second:
            second.sendall(OK)

    server = Served(serve)

    assert [0, 1] == server.judged(Request("GET", "/"), [0, 1])
    # Nor was its request sent once more, on a connection of its own.
    server.listener.setblocking(False)
    with server.listener, pytest.raises(BlockingIOError):
        server.accept()


def test_a_connection_that_was_answered_before_all_was_sent_is_replaced():
    def serve(server):
        for _ in range(4):
            with server.accept() as connection:
                connection.recv(1000)
                connection.sendall(OK)
                server.wait_until_one_is_judged()

    server = Served(serve)
    with server.listener:
        request = Request("POST", "/", content="x" * 16_000_000)

        assert [0, 1, 2, 3] == server.judged(request, range(4))
