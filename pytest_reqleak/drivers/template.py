"""A request of a workload, taken apart once so that filling it in is cheap.

Knows how `{i}` is filled and what every request carries beside its own headers;
not who sends it. `number.join(parts)` is the whole of filling in: nothing is
parsed, encoded or searched per request.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from pytest_reqleak.model.placeholder import PLACEHOLDER
from pytest_reqleak.model.request import Request, accepts

_MARK = PLACEHOLDER.encode()
# What a request target may hold as it is; all else is percent-encoded, as browsers do.
_TARGET_BYTES = frozenset(range(0x21, 0x7F)) - frozenset(b'#"<>\\^`{|}')
_STATUSES = range(100, 600)
# What counts where a request expects nothing else, as nearly all do: found out once.
_SUCCESS = frozenset(status for status in _STATUSES if accepts(None, status))
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


class Text:
    """Bytes with places for the iteration's number; no place: the bytes themselves."""

    __slots__ = ("constant", "parts", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.parts = text.split(_MARK)
        self.constant: bytes | None = text if len(self.parts) == 1 else None

    def fill(self, number: bytes) -> bytes:
        """Put the number in all places."""
        return self.constant if self.constant is not None else number.join(self.parts)

    def partition(self, separator: bytes) -> tuple[Text, Text]:
        """What is before the first separator, and what is behind it."""
        before, _, behind = self.text.partition(separator)
        return Text(before), Text(behind)


class Template:
    """One request, ready to be filled with an iteration's number.

    Attributes:
        request: What it was made of.
        method: As text, upper case.
        target: Path and query as they go over the wire.
        headers: Names (lower case) and values, without those that frame the body.
        body: What is sent as the body, before any framing.
        chunked: Whether the user's headers ask for a chunked body.
        length: The content-length to send whatever the body's own is; None: the body's.
        sends_length: Whether a content-length belongs to the request at all.
        good: Every status that counts as an answer.
        leaves_early: Whether the client goes before the answer's end.
    """

    __slots__ = (
        "body",
        "chunked",
        "good",
        "headers",
        "leaves_early",
        "length",
        "method",
        "request",
        "sends_length",
        "target",
    )

    def __init__(self, request: Request, *, host: str) -> None:
        self.request = request
        self.method = request.method
        self.target = Text(_encode_target(request.path))
        self.body = Text(request.body())
        self.good = (
            _SUCCESS
            if request.expect is None
            else frozenset(status for status in _STATUSES if request.accepts(status))
        )
        self.leaves_early = request.ending == "disconnect"
        given = [
            (name.lower().encode("ascii"), value.strip().encode("utf-8"))
            for name, value in request.header_items()
        ]
        names = {name for name, _ in given}
        self.chunked = any(
            name == b"transfer-encoding" and value.lower().endswith(b"chunked") for name, value in given
        )
        self.length = next((value for name, value in given if name == b"content-length"), None)
        self.sends_length = not self.chunked and (
            self.body.constant != b"" or request.method in _BODY_METHODS or self.length is not None
        )
        own = [
            (b"host", host.encode("ascii")),
            (b"accept", b"*/*"),
            (b"user-agent", b"pytest-reqleak"),
        ]
        if request.json is not None:
            own.append((b"content-type", b"application/json"))
        self.headers = [(name, Text(value)) for name, value in own if name not in names]
        self.headers += [(name, Text(value)) for name, value in given if name != b"content-length"]

    def framing(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """The headers that tell where the body ends."""
        if not self.sends_length:
            return []
        return [(b"content-length", self.length if self.length is not None else b"%d" % len(body))]


def decode_path(path: Text) -> list[str]:
    """The parts of a path between the placeholders, percent-decoded as UTF-8."""
    return [unquote_to_bytes(part).decode("utf-8", "replace") for part in path.parts]


def _encode_target(path: str) -> bytes:
    return _MARK.join(_encode(part) for part in path.split(PLACEHOLDER))


def _encode(part: str) -> bytes:
    return b"".join(
        bytes((byte,)) if byte in _TARGET_BYTES else b"%%%02X" % byte for byte in part.encode("utf-8")
    )
