"""A client's end of HTTP/1.1: requests as bytes, and one connection that reads responses.

Knows messages and sockets; not workloads, nor which status is wanted. Rule of
this file: a response is not looked at more closely than its judgement needs, so
that the client costs less than the server that is measured.
"""

from __future__ import annotations

import contextlib
import socket

import httptools

from pytest_reqleak.drivers.template import Template, Text

READ_BYTES = 64 * 1024
KEPT_BYTES = 16 * 1024
"""Of a response as it arrived, to be shown if it is not what was expected."""

_LENGTH_HEADERS = (b"content-length", b"transfer-encoding")


class WireTemplate:
    """One request of a workload as bytes, ready to be filled."""

    __slots__ = ("_body", "_head", "_text", "template")

    def __init__(self, template: Template) -> None:
        self.template = template
        lines = [b"%b %b HTTP/1.1" % (template.method.encode("ascii"), template.target.text)]
        lines += [b"%b: %b" % (name, value.text) for name, value in template.headers]
        head = b"\r\n".join(lines) + b"\r\n"
        self._body: Text | None = None
        if template.body.constant is None and not template.chunked:
            # The length depends on the number's digits: the head ends differently each time.
            self._head, self._body = Text(head), template.body
            self._text = self._head
            return
        body = template.body.text
        if template.chunked:
            framed = b""
        else:
            framed = b"".join(b"%b: %b\r\n" % header for header in template.framing(body))
        self._text = self._head = Text(head + framed + b"\r\n" + (b"" if template.chunked else body))

    def fill(self, number: int) -> bytes:
        """The whole request of iteration `number`."""
        if self.template.chunked:
            body = self.template.body.fill(b"%d" % number)
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return self._head.fill(b"%d" % number) + chunk + b"0\r\n\r\n"
        if self._body is None:
            constant = self._text.constant
            return constant if constant is not None else self._text.fill(b"%d" % number)
        digits = b"%d" % number
        body = self._body.fill(digits)
        framed = b"".join(b"%b: %b\r\n" % header for header in self.template.framing(body))
        return b"".join((self._head.fill(digits), framed, b"\r\n", body))


class ClientConnection:
    """A keep-alive connection, and the response that is being read from it.

    Attributes:
        sock: The socket; None while closed.
        status: Of the response; 0 until its head is complete.
        ended: Whether the response is complete.
        received: The start of the response as it arrived.
        keeps_alive: Whether the server will take another request after this one.
        reused: Whether the connection has carried a response before.
    """

    __slots__ = (
        "_address",
        "_bodyless",
        "_parser",
        "ended",
        "keeps_alive",
        "received",
        "reused",
        "sock",
        "status",
    )

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._parser: httptools.HttpResponseParser | None = None
        self._bodyless = False
        self.sock: socket.socket | None = None
        self.status = 0
        self.ended = False
        self.received = b""
        self.keeps_alive = False
        self.reused = False

    def open(self, timeout: float | None) -> socket.socket:
        """Connect unless connected; `timeout` is for connecting and every later wait on the socket."""
        if self.sock is None:
            self.sock = socket.create_connection(self._address, timeout=timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reused = False
            self._parser = None
        return self.sock

    def close(self) -> None:
        """Close the socket; the next request opens another."""
        sock, self.sock = self.sock, None
        # The parser refers to our methods: a cycle that would wait for the collector.
        self._parser = None
        if sock is not None:
            sock.close()

    def begin(self, *, method: str) -> None:
        """Expect the response to a request with that method."""
        self.status = 0
        self.ended = False
        self.keeps_alive = False
        self.received = b""
        self._bodyless = method == "HEAD"
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)

    def take(self, data: bytes) -> bool:
        """Parse what was read; whether the response is complete.

        Args:
            data: Empty where the server closed.

        Raises:
            ConnectionError: The server closed before the response was complete.
            httptools.HttpParserError: It is no HTTP.
        """
        if not data:
            self._take_end()
            return True
        if len(self.received) < KEPT_BYTES:
            self.received += data
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.ended = True
        return self.ended

    def _take_end(self) -> None:
        # A response whose head tells no length ends with the connection; that of an interim one tells none.
        headers, _ = take_apart(self.received)
        if not self.status or any(name.lower() in _LENGTH_HEADERS for name, _ in headers):
            raise ConnectionAbortedError("the server closed the connection")
        self.ended = True
        self.keeps_alive = False

    @property
    def can_retry(self) -> bool:
        """Whether a failure is likely that of an idle connection, closed just when it was used."""
        return self.reused and not self.received

    def end(self) -> None:
        """Keep the connection for the next request if the server will."""
        self.received = b""
        if not self.keeps_alive:
            self.close()
            return
        self.reused = True
        if self._bodyless:
            # It may wait for the body that the head announced, and that never comes.
            self._parser = None

    def is_stale(self) -> bool:
        """Whether the server closed, or said something unasked, since the last response."""
        if self.sock is None:
            return False
        timeout = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(timeout)
        return True

    def on_headers_complete(self) -> None:
        """Take the status; that of an interim response (100, 103) is not the answer."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status >= 200 or status == 101:
            self.status = status
            # Only here: the parser forgets it with the end of the message.
            self.keeps_alive = self._parser.should_keep_alive()
            # No body follows, whatever length is announced; older parsers wait for it after a 304.
            self._bodyless = self._bodyless or status in (204, 304)
            if self._bodyless:
                self.ended = True

    def on_message_complete(self) -> None:
        """End the response."""
        if self.status:
            self.ended = True


class _Collector:
    """Takes headers and body of a response apart, to show them."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def on_message_begin(self) -> None:
        self.headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body


def take_apart(received: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers, and as much of the decoded body as is there, of a response's first bytes."""
    collector = _Collector()
    # What is parsed until an error is what can be shown.
    with contextlib.suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
        httptools.HttpResponseParser(collector).feed_data(received)
    return collector.headers, collector.body
