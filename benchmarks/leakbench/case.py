"""One case: a file with an app, and a literal dict `CASE` that says the truth about it.

Cases are read, never imported: their packages exist only in their own environment.

Keys of `CASE`: `name`, `interface`, `expected` (`leak` or `clean`), `kind`,
`python`, `needs` (pinned requirements) and `requests`; optional `env`, `site`,
`holder`, `type` (a name or a list of names), `approx_bytes_per_request`, `verify_n`,
`plateau_at`, `period`, `no_gc`, `source` and the twin that must be clean: `fixed_needs`,
`fixed_python`, `fixed_env`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

DEFAULT_ITERATIONS = 2000

CORPUS = Path(__file__).resolve().parent / "corpus"
"""The project's own cases."""


KEYS = frozenset(
    (
        *("name", "interface", "expected", "kind", "python", "needs", "requests", "env", "source"),
        *("site", "holder", "type", "approx_bytes_per_request", "verify_n", "plateau_at", "period", "no_gc"),
        *("fixed_needs", "fixed_python", "fixed_env"),
    )
)


class BadCase(Exception):
    """A file of the corpus is no case."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is run, and what is true of it."""

    name: str
    file: Path
    interface: str
    expected: str
    kind: str
    python: str
    """The Python for which the pinned wheels exist: `3.12`; `3.12.1` where the bug is Python's own."""
    needs: tuple[str, ...]
    requests: tuple[dict[str, Any], ...]
    env: dict[str, str] = field(default_factory=dict)
    site: str = ""
    """A name that a good report shows among its first sites; empty: none in Python."""
    holder: str = ""
    """What keeps the memory alive, in words."""
    types: tuple[str, ...] = ()
    """The kinds of objects that survive, one of which a good report shows; empty: not told."""
    bytes_per_request: float = 0.0
    verify_n: int | None = None
    """Iterations at which the label was verified."""
    plateau_at: int | None = None
    """A clean app that still grows before that many requests."""
    no_gc: bool = False
    """The leak shows only where nobody collects."""

    def iterations(self, asked: int | None) -> int:
        """How many iterations to measure.

        A leak that was verified at its own length is measured at that length,
        unless the caller asks for a shorter run of everything.
        """
        usual = self.verify_n if self.expected == "leak" and self.verify_n else None
        if asked is None:
            return usual or DEFAULT_ITERATIONS
        return min(asked, usual or asked)

    def workload(self) -> list[dict[str, Any]]:
        """The requests in the form of a `--requests` file; any status is an answer."""
        return [_request(entry) for entry in self.requests]


def read_cases(folder: Path, patterns: tuple[str, ...] = (), *, twins: bool = False) -> list[Case]:
    """Read every case of a folder whose name matches one of the patterns.

    Args:
        folder: Holds one `.py` file per case.
        patterns: Shell patterns such as `pat_*`; none: all cases.
        twins: Whether the fixed twin of each library leak follows it, as a clean case.

    Raises:
        BadCase: The folder holds no case, or a file has no literal `CASE`.
    """
    cases = (case for file in sorted(folder.glob("*.py")) for case in _read(file, twins=twins))
    found = [case for case in cases if any(fnmatch(case.name, pattern) for pattern in patterns or ("*",))]
    if not found:
        raise BadCase(f"{folder} holds no case that matches {', '.join(patterns) or '*.py'}")
    return found


def _read(file: Path, *, twins: bool) -> Iterator[Case]:
    said = _literal(file)
    unknown = said.keys() - KEYS
    if unknown:
        raise BadCase(f"{file}: CASE has unknown keys: {', '.join(sorted(unknown))}")
    try:
        case = Case(
            name=said["name"],
            file=file,
            interface=said["interface"],
            expected=said["expected"],
            kind=said["kind"],
            python=said["python"],
            needs=tuple(said["needs"]),
            requests=tuple(said["requests"]),
            env=dict(said.get("env") or {}),
            site=said.get("site", ""),
            holder=said.get("holder", ""),
            types=_names(said.get("type")),
            bytes_per_request=float(said.get("approx_bytes_per_request") or 0),
            verify_n=said.get("verify_n"),
            plateau_at=said.get("plateau_at"),
            no_gc=bool(said.get("no_gc")),
        )
    except KeyError as missing:
        raise BadCase(f"{file}: CASE has no {missing}") from None
    yield case
    if twins and any(said.get(key) for key in ("fixed_needs", "fixed_python", "fixed_env")):
        yield replace(
            case,
            name=f"{case.name}+fixed",
            expected="clean",
            python=said.get("fixed_python") or case.python,
            needs=tuple(said.get("fixed_needs") or case.needs),
            env=dict(said.get("fixed_env") or case.env),
            site="",
            holder="",
            types=(),
            bytes_per_request=0.0,
        )


def _names(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) and said else tuple(said or ())


def _literal(file: Path) -> dict[str, Any]:
    for statement in ast.parse(file.read_text("utf-8"), str(file)).body:
        if not isinstance(statement, ast.Assign):
            continue
        if any(isinstance(target, ast.Name) and target.id == "CASE" for target in statement.targets):
            try:
                said = ast.literal_eval(statement.value)
            except ValueError:
                raise BadCase(f"{file}: CASE must be a literal dict") from None
            if isinstance(said, dict):
                return said
    raise BadCase(f"{file}: no dict named CASE")


def _request(entry: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": entry.get("method", "GET"),
        "path": entry["path"],
        # Some apps answer 4xx or 5xx on purpose, and some raise.
        "expect": "any",
    }
    if entry.get("headers"):
        request["headers"] = dict(entry["headers"])
    if "json" in entry:
        request["json"] = entry["json"]
    if "body" in entry:
        body = entry["body"]
        request["content"] = body.decode() if isinstance(body, bytes) else body
    if entry.get("disconnect"):
        request["ending"] = "disconnect"
    return request
