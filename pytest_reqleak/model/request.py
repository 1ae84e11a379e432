"""One request of a workload, as a value."""

from __future__ import annotations

import json as _json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_reqleak.errors import UsageError, shown
from pytest_reqleak.model.placeholder import PLACEHOLDER

ENDINGS = ("complete", "disconnect")
_METHOD = re.compile(r"[A-Za-z!#$%&'*+.^_`|~0-9-]+")
_STATUS = re.compile(r"[1-5][0-9][0-9]")
_STATUS_CLASS = re.compile(r"[1-5]xx")

Expect = int | str | Sequence[int | str] | None


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, and which answer counts as one.

    Example:
        `Request("POST", "/orders/{i}", json={"sku": "A-{i}"}, expect=201)`
    """

    method: str
    path: str
    """Absolute, with the query string; `{i}` becomes the iteration's number."""
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    json: Any = None
    """A body sent as JSON; `{i}` is filled inside its strings."""
    content: str | bytes | None = None
    """A body sent as it is, with `{i}` filled."""
    expect: Expect = None
    """An int, a class such as `"2xx"`, a list of those, or `"any"`; None: 2xx and 3xx."""
    ending: str = "complete"
    """`complete`: the answer is read to its end; `disconnect`: the client leaves early."""

    def __post_init__(self) -> None:
        if not isinstance(self.method, str) or not _METHOD.fullmatch(self.method):
            raise UsageError(f"method = {shown(self.method)}: must be an HTTP method such as GET")
        if not isinstance(self.path, str) or not self.path.startswith("/"):
            raise UsageError(f"path = {shown(self.path)}: must begin with '/'")
        if any(ord(char) <= 32 or ord(char) == 127 for char in self.path):
            raise UsageError(
                f"path = {self.path!r}: must hold no space or control character; percent-encode it"
            )
        # Mistyped, a placeholder would send the same request again and again, and prove nothing.
        if any(brace in self.path.replace(PLACEHOLDER, "") for brace in "{}"):
            raise UsageError(
                f"path = {shown(self.path)}: has a brace that belongs to no {PLACEHOLDER}, which becomes the "
                "number of the iteration; a literal { is written %7B, a literal } %7D"
            )
        _refuse_surrogates("path", self.path)
        if self.json is not None and self.content is not None:
            raise UsageError("json and content are both given: a request has one body")
        if self.content is not None and not isinstance(self.content, (str, bytes)):
            raise UsageError(f"content = {shown(self.content)}: must be text or bytes")
        if isinstance(self.content, str):
            _refuse_surrogates("content", self.content)
        if self.ending not in ENDINGS:
            raise UsageError(f"ending = {shown(self.ending)}: must be one of {', '.join(ENDINGS)}")
        self._check_headers()
        object.__setattr__(self, "method", self.method.upper())
        accepts(self.expect, 200)
        self.body()

    def _check_headers(self) -> None:
        if not isinstance(self.headers, Mapping):
            pairs = tuple(self.headers) if isinstance(self.headers, Iterable) else None
            # A text of two letters is a pair, too, but nobody means it.
            if pairs is None or not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
                raise UsageError(
                    f"headers = {shown(self.headers)}: must be a dict, or a list of pairs (name, value)"
                )
            # An iterator gives its pairs once, and they are sent more often.
            object.__setattr__(self, "headers", pairs)
        for name, value in self.header_items():
            if not isinstance(name, str) or not _METHOD.fullmatch(name):
                raise UsageError(f"headers: {shown(name)} is no header name")
            if not isinstance(value, str) or "\r" in value or "\n" in value:
                raise UsageError(
                    f"headers: the value of {name!r} must be text in one line, not {shown(value)}"
                )
            _refuse_surrogates(f"headers: {name}", value)

    @property
    def title(self) -> str:
        """How reports name it: `GET /orders/{i}`."""
        return f"{self.method} {self.path}"

    @property
    def note(self) -> str:
        """What a reader must know besides the title: that the client leaves, that an error is the answer."""
        said = []
        if self.ending == "disconnect":
            said.append("the client disconnects")
        wanted = [self.expect] if isinstance(self.expect, (int, str)) else list(self.expect or ())
        if wanted and all(str(status)[:1] in "45" for status in wanted):
            said.append(f"answered with {' or '.join(map(str, wanted))}")
        return ", ".join(said)

    @property
    def varying_parts(self) -> tuple[str, ...]:
        """What differs from iteration to iteration: `the path`, `header X-Tenant`, `the body`."""
        path, _, query = self.path.partition("?")
        parts = [
            ("the path", path),
            ("the query string", query),
            *((f"header {name}", f"{name}{value}") for name, value in self.header_items()),
            ("the body", self.body().decode("utf-8", "replace")),
        ]
        return tuple(name for name, text in parts if PLACEHOLDER in text)

    def header_items(self) -> list[tuple[str, str]]:
        """The headers as pairs, in order."""
        if isinstance(self.headers, Mapping):
            return list(self.headers.items())
        return [(name, value) for name, value in self.headers]

    def body(self) -> bytes:
        """The body before `{i}` is filled.

        Raises:
            UsageError: `json` holds something that JSON cannot say.
        """
        if self.json is not None:
            try:
                return _json.dumps(self.json).encode()
            except (TypeError, ValueError) as error:
                raise UsageError(f"json: {error}") from None
            except RecursionError:
                raise UsageError("json: is nested too deeply") from None
        if isinstance(self.content, str):
            return self.content.encode()
        return self.content or b""

    def accepts(self, status: int) -> bool:
        """Whether an answer with this status counts as one."""
        return accepts(self.expect, status)


def accepts(expect: Expect, status: int) -> bool:
    """Whether `status` is one of those that `expect` names.

    Raises:
        UsageError: `expect` is neither a status, a class, a list of those nor `"any"`.
    """
    if expect is None:
        return 200 <= status < 400
    if isinstance(expect, int) and not isinstance(expect, bool) and 100 <= expect <= 599:
        return status == expect
    if isinstance(expect, str):
        if expect == "any":
            return True
        if _STATUS_CLASS.fullmatch(expect):
            return status // 100 == int(expect[0])
        if _STATUS.fullmatch(expect):
            return status == int(expect)
    elif isinstance(expect, Sequence) and expect and all(isinstance(each, (int, str)) for each in expect):
        # Every entry is looked at, so that a wrong one is refused whatever the status.
        return max([accepts(entry, status) for entry in expect])
    raise UsageError(
        f"expect = {shown(expect)}: must be a status such as 200, a class such as '2xx', a list, or 'any'"
    )


def _refuse_surrogates(what: str, text: str) -> None:
    """Refuse what no encoding can send, such as bytes of a command line that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{what} = {shown(text)}: must be text that UTF-8 can encode; "
            "other bytes may be percent-encoded in a path, and given as bytes as a body"
        ) from None


def parse_request_line(line: str) -> Request:
    """Read `METHOD /path`, or a path alone, which is a GET.

    Raises:
        UsageError: There is no path.
    """
    words = line.split()
    if len(words) == 1 and words[0].startswith("/"):
        words = ["GET", *words]
    if len(words) != 2:
        raise UsageError(
            f"request {shown(line)}: must be a method and a path, such as 'GET /orders/{{i}}' "
            "(headers and a body need a Request, or a file for --requests)"
        )
    try:
        return Request(words[0], words[1])
    except UsageError as error:
        raise UsageError(f"request {shown(line)}: {error}") from None


_FIELDS = ("method", "path", "headers", "json", "content", "expect", "ending")


def requests_from_json(document: Any, *, place: str) -> tuple[Request, ...]:
    """Read the list of objects of a workload file.

    Args:
        document: What the file held, decoded.
        place: Where it came from; begins every message.

    Raises:
        UsageError: An entry is wrong; its position is named.
    """
    if not isinstance(document, list) or not document:
        raise UsageError(f"{place}: must be a JSON list of at least one request object")
    requests = []
    for number, entry in enumerate(document):
        here = f"{place}: request {number + 1}"
        if not isinstance(entry, dict):
            raise UsageError(f"{here}: must be an object, not {shown(entry)}")
        unknown = [name for name in entry if name not in _FIELDS]
        if unknown:
            raise UsageError(f"{here}: unknown field {unknown[0]!r}; known are {', '.join(_FIELDS)}")
        missing = [name for name in ("method", "path") if name not in entry]
        if missing:
            raise UsageError(f"{here}: field {missing[0]!r} is missing")
        headers = entry.get("headers") or {}
        if not isinstance(headers, dict):
            raise UsageError(f"{here}: headers = {shown(headers)}: must be an object of names and values")
        try:
            requests.append(Request(**{**entry, "headers": headers}))
        except UsageError as error:
            raise UsageError(f"{here}: {error}") from None
    return tuple(requests)
