"""Call a WSGI app as PEP 3333 says, and hand its response on piece by piece.

Knows the calling convention only: not sockets, not framing, not which thread it
runs in. Where the response goes is a `WsgiSink`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Protocol
from wsgiref.util import FileWrapper

Headers = list[tuple[bytes, bytes]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]

_PLAIN_KEYS = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


class WsgiSink(Protocol):
    """Where a WSGI response goes; called from the thread that runs the app."""

    def start(self, status: int, reason: bytes, headers: Headers) -> None:
        """Take the head; called once, with or just before the first piece of the body."""

    def write(self, piece: bytes, *, last: bool) -> None:
        """Take a piece of the body; OSError once the client is gone."""


def environ_key(name: bytes) -> str:
    """The environ's key for a header's lower-case name."""
    return _PLAIN_KEYS.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


def base_environ(
    *, method: str, server: tuple[str, int], client: tuple[str, int], multithread: bool
) -> dict[str, Any]:
    """The part of an environ that does not depend on the request's target, headers and body."""
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": multithread,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        # Our input ends where the body ends, chunked or not: frameworks may read without a length.
        "wsgi.input_terminated": True,
    }


def add_headers(environ: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Put headers into the environ; those sent more than once are joined as CGI says."""
    for name, value in headers:
        key = environ_key(name)
        text = value.decode("latin-1")
        before = environ.get(key)
        if before is not None:
            text = f"{before}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        environ[key] = text


class WsgiCall:
    """One call of a WSGI app: the state between its `start_response` and its last piece."""

    __slots__ = ("_begun", "_head", "_sink")

    def __init__(self, sink: WsgiSink) -> None:
        self._sink = sink
        self._head: tuple[int, bytes, Headers] | None = None
        self._begun = False

    def run(self, app: Any, environ: dict[str, Any]) -> None:
        """Call the app and pass on all it returns.

        Raises:
            BaseException: What the app raised. The head may have gone out by then.
        """
        pieces = app(environ, self._start_response)
        try:
            # One piece is a whole response, whose length is then known: most apps return that.
            if type(pieces) in (list, tuple) and len(pieces) == 1:
                self._send(pieces[0], last=True)
                return
            for piece in pieces:
                # The head waits for the first piece that is not empty: until then it may be replaced.
                if piece:
                    self._send(piece, last=False)
            self._send(b"", last=True)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], None]:
        if exc_info is not None:
            try:
                if self._begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # it refers to this frame
        elif self._head is not None:
            raise RuntimeError("start_response was called twice without exc_info")
        code, _, reason = status.partition(" ")
        if len(code) != 3 or not code.isdecimal():
            raise ValueError(f"status {status!r} does not begin with three digits")
        self._head = (
            int(code),
            reason.encode("latin-1"),
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        )
        return self._write

    def _write(self, piece: bytes) -> None:
        self._send(piece, last=False)

    def _send(self, piece: bytes, *, last: bool) -> None:
        if not isinstance(piece, bytes):
            raise TypeError(f"a WSGI body is made of bytes, not {type(piece).__name__}")
        if not self._begun:
            if self._head is None:
                raise RuntimeError("the app sent a body before it called start_response")
            self._sink.start(*self._head)
            self._begun = True
        self._sink.write(piece, last=last)
