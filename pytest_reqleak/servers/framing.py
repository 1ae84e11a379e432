"""Turn a response into bytes of HTTP/1.1: its head, and how its body is framed.

Pure: no socket, no app. The head waits for the first piece of the body, because
that tells how the body is framed: a body in one piece has a known length.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}
_FRAMING_NAMES = frozenset({b"content-length", b"transfer-encoding", b"connection"})


class Framing:
    """The state of one response on the wire.

    Attributes:
        begun: Whether the head has been encoded.
        ended: Whether the last piece has been encoded.
        status: Of the response; 0 until it is known.
        keep_alive: Whether the connection can be used again; final once `begun`.
    """

    __slots__ = (
        "_bodyless",
        "_chunked",
        "_headers",
        "_left",
        "_old",
        "_reason",
        "begun",
        "ended",
        "keep_alive",
        "status",
    )

    def __init__(self, *, method: str, version: str, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.status = 0
        self.begun = False
        self.ended = False
        self._reason: bytes | None = None
        self._headers: Iterable[tuple[bytes, bytes]] = ()
        self._bodyless = method == "HEAD"
        self._old = version == "1.0"
        self._chunked = False
        # Bytes of the body still to come; None: not known beforehand.
        self._left: int | None = None

    def start(self, status: int, headers: Iterable[tuple[bytes, bytes]], reason: bytes | None = None) -> None:
        """Keep the head; may be called again until the first piece is encoded.

        Raises:
            ValueError: No status of a final response.
        """
        if not 200 <= status <= 999:
            raise ValueError(f"{status!r} is no status of a final response (200 to 999)")
        self.status = status
        self._headers = headers
        self._reason = reason

    def encode(self, piece: bytes, *, last: bool) -> bytes:
        """Frame a piece of the body, behind the head if that is still to go.

        Args:
            piece: May be empty. Left out where a response has no body (HEAD, 204, 304).
            last: Whether the body ends with it.

        Raises:
            ValueError: The head cannot be sent.
            RuntimeError: The body is longer or shorter than its content-length.
                Unless `begun`, another response may be sent in its place.
        """
        head = b"" if self.begun else self._encode_head(len(piece), last)
        if self._bodyless:
            piece = b""
        elif self._chunked:
            if piece:
                piece = b"%x\r\n%b\r\n" % (len(piece), piece)
            if last:
                piece += b"0\r\n\r\n"
        elif self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise RuntimeError("the response's body is longer than its content-length")
            if last and self._left:
                raise RuntimeError("the response's body is shorter than its content-length")
        # Only now: whoever sees an error before knows that another response may still be sent.
        self.begun = True
        self.ended = last
        return head + piece if head else piece

    def _encode_head(self, size: int, last: bool) -> bytes:
        status = self.status
        self._left = None
        lines = [self._status_line()]
        says_connection = False
        for name, value in self._headers:
            key = name.lower()
            if key in _FRAMING_NAMES:
                if key == b"transfer-encoding" or (key == b"content-length" and status == 204):
                    # The framing is ours to choose, and 204 must not have a length.
                    continue
                if key == b"content-length":
                    self._left = _content_length(value)
                else:
                    says_connection = True
                    if b"close" in value.lower():
                        self.keep_alive = False
            lines.append(b"%b: %b\r\n" % (name, value))
        if status in (204, 304):
            self._bodyless = True
        elif self._left is None:
            if last:
                # A HEAD response says what a GET would have, which an app that sends no body hides.
                if size or not self._bodyless:
                    lines.append(b"content-length: %d\r\n" % size)
                self._left = size
            elif self._old:
                # HTTP/1.0 knows no chunks: the end of the connection ends the body.
                self.keep_alive = False
            else:
                self._chunked = True
                lines.append(b"transfer-encoding: chunked\r\n")
        if not says_connection:
            if not self.keep_alive:
                lines.append(b"connection: close\r\n")
            elif self._old:
                lines.append(b"connection: keep-alive\r\n")
        head = b"".join(lines)
        n_lines = len(lines)
        if head.count(b"\n") != n_lines or head.count(b"\r") != n_lines:
            raise ValueError("a response header holds a line break")
        return head + b"\r\n"

    def _status_line(self) -> bytes:
        if self._reason is None:
            return _STATUS_LINES.get(self.status) or b"HTTP/1.1 %d \r\n" % self.status
        return b"HTTP/1.1 %d %b\r\n" % (self.status, self._reason)


def _content_length(value: bytes) -> int:
    if not value.strip().isdigit():
        raise ValueError(f"content-length {value!r} is no number")
    return int(value)
