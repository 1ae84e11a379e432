"""A client that says byte for byte what a test wants, and reads until the server stops."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

WAIT_SECONDS = 10.0

HEAD = b" HTTP/1.1\r\nHost: test\r\n"


class RawClient:
    """One connection. Whatever it waits for has a bound, so that a failing test ends."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.sock = socket.create_connection((address.hostname, address.port), timeout=WAIT_SECONDS)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read_until(self, end: bytes) -> bytes:
        """Read until the last bytes received are `end`."""
        received = b""
        while not received.endswith(end):
            piece = self.sock.recv(65536)
            if not piece:
                raise AssertionError(f"closed after {received!r}")
            received += piece
        return received

    def read_all(self) -> bytes:
        """Read until the server closes."""
        received = bytearray()
        while piece := self.sock.recv(65536):
            received += piece
        return bytes(received)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ask(url: str, *parts: bytes) -> bytes:
    """Send a request that asks for the connection's end, and read all there is."""
    with RawClient(url) as client:
        client.send(b"".join(parts))
        return client.read_all()


def split(response: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and raw body of a response."""
    head, _, body = response.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    return int(status_line.split()[1]), headers, body
