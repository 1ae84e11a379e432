"""Say what was wrong with an answer, so that nobody must run it again to see it.

Knows the message only; the line says what happened to which request and what
was expected, and below it stand the response and the app's own exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_reqleak.errors import RequestFailed, RequestTimeout
from pytest_reqleak.model.placeholder import PLACEHOLDER
from pytest_reqleak.model.request import Expect, Request
from pytest_reqleak.servers.failure import indent, what_the_app_did
from pytest_reqleak.units import format_seconds

BODY_SHOWN_BYTES = 2048
_SERVER_ERROR = 500


def unexpected_status(
    request: Request,
    number: int,
    status: int,
    *,
    headers: Iterable[Sequence[bytes]],
    body: bytes,
    error: BaseException | None,
    output: str = "",
) -> RequestFailed:
    """An answer whose status is none that the workload expects.

    Args:
        request: As the workload has it.
        number: Its iteration.
        status: Of the answer.
        headers: Of the answer.
        body: The answer's body, or its start.
        error: What the app raised meanwhile, if that is known.
        output: What a server in a process of its own has written last.
    """
    line = (
        f"{_named(request, number)} was answered {status}, expected was {_expected(request.expect)}: "
        f"correct the request or the app, or set expect to {status}"
    )
    # What a server writes about a request that the app has refused is no news.
    written = output if status >= _SERVER_ERROR else ""
    return RequestFailed(line + _shown(status, headers, body) + _raised(error) + _written(written))


def broken_answer(
    request: Request,
    number: int,
    what: str,
    *,
    error: BaseException | None,
    shown: tuple[int, Iterable[Sequence[bytes]], bytes] | None = None,
    output: str = "",
) -> RequestFailed:
    """An answer that never began, broke off, or was no HTTP; `what` says which."""
    return RequestFailed(
        f"{_named(request, number)} {what}"
        + ("" if shown is None else _shown(*shown))
        + _raised(error)
        + _written(output)
    )


def no_answer(
    request: Request, number: int, seconds: float, *, reached: str, left_behind: str = ""
) -> RequestTimeout:
    """A request that took longer than it may; `reached` says how far it came."""
    line = f"{_named(request, number)} was not done after {format_seconds(seconds)}: {reached}"
    return RequestTimeout(f"{line}; {left_behind}" if left_behind else line)


def _named(request: Request, number: int) -> str:
    # As it was sent: whoever wants to see the failure again must ask for this path.
    return f"{request.title.replace(PLACEHOLDER, str(number))} (iteration {number})"


def _expected(expect: Expect) -> str:
    if expect is None:
        return "2xx or 3xx"
    if isinstance(expect, (int, str)):
        return str(expect)
    return " or ".join(str(entry) for entry in expect)


def _shown(status: int, headers: Iterable[Sequence[bytes]], body: bytes) -> str:
    lines = [f"HTTP status {status}"]
    lines += [f"{_text(name)}: {_text(value)}" for name, value in headers]
    text = _text(body[:BODY_SHOWN_BYTES])
    if text:
        lines += ["", *text.splitlines()]
    if len(body) > BODY_SHOWN_BYTES:
        lines.append("…")
    return "\n" + indent("\n".join(lines))


def _raised(error: BaseException | None) -> str:
    return "" if error is None else f"\n{what_the_app_did(error)}"


def _written(output: str) -> str:
    return f"\nThe server has written last:\n{indent(output)}" if output else ""


def _text(raw: bytes) -> str:
    # Control characters of a body must not reach the reader's terminal.
    text = bytes(raw).decode("utf-8", "replace")
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
