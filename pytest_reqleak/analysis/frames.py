"""Turn the bare frames of a tracer into lines that a person can follow.

Reads source files itself: `linecache` would keep them for ever, in the very
process whose memory is judged. What is read is forgotten with the `Sources`.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_reqleak.model.finding import Frame
from pytest_reqleak.model.origin import CodeMap, Origin
from pytest_reqleak.model.raw import RawFrame

_MOST_FILES = 200
_MOST_BYTES = 2_000_000
_DEFINITION = re.compile(r"(\s*)(?:async\s+)?(?:def|class)\s+(\w+)")
_Definition = tuple[int, int, str]
"""Number of its line, margin, name."""
_EVENT_LOOP = (
    "/asyncio/",
    "/concurrent/futures/",
    "/threading.py",
    "/contextvars.py",
    "/anyio/",
    "/sniffio/",
)


@dataclass(frozen=True, slots=True)
class _Scope:
    first: int
    last: int
    name: str


class Sources:
    """Source lines and function names of files; bounded, and forgotten with the object.

    Args:
        code: Whose files are whose.
    """

    def __init__(self, code: CodeMap) -> None:
        self._code = code
        self._lines: dict[str, list[str]] = {}
        self._scopes: dict[str, list[_Scope]] = {}
        self._definitions: dict[str, list[_Definition]] = {}
        self._frames: dict[RawFrame, Frame] = {}

    def frame(self, raw: RawFrame) -> Frame:
        """The frame with its source line and the name of its function."""
        known = self._frames.get(raw)
        if known is not None:
            return known
        file, line, function = raw
        own = self._code.is_own(file)
        frame = self._frames[raw] = Frame(
            file=file,
            line=line,
            function=function or self.function(file, line, exact=own),
            code=self.line(file, line),
            own=own,
        )
        return frame

    def line(self, file: str, number: int) -> str:
        """One line, stripped; empty where it cannot be read."""
        lines = self._read(file)
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def function(self, file: str, number: int, *, exact: bool) -> str:
        """The function that a line belongs to, with its class: `Cart.add`; empty for a module's own lines.

        Args:
            file: Path of the source.
            number: Of the line, from 1.
            exact: Parse the file. Else the indentation tells, which a text that begins
                at the margin can mislead, and costs a thousandth on a large library.
        """
        if not exact:
            return self._by_indentation(file, number)
        scopes = self._scopes.get(file)
        if scopes is None:
            scopes = self._scopes[file] = _scopes_of("\n".join(self._read(file)))
        inside = scopes[: bisect_right(scopes, number, key=lambda scope: scope.first)]
        # The innermost scope that holds the line is the last one to begin before it.
        return next((scope.name for scope in reversed(inside) if scope.last >= number), "")

    def _by_indentation(self, file: str, number: int) -> str:
        lines = self._read(file)
        if not 0 < number <= len(lines):
            return ""
        definitions = self._definitions.get(file)
        if definitions is None:
            found = (
                (place, _DEFINITION.match(line))
                for place, line in enumerate(lines, 1)
                if "def " in line or "class " in line
            )
            definitions = [(place, len(match[1]), match[2]) for place, match in found if match is not None]
            self._definitions[file] = definitions
        before = definitions[: bisect_right(definitions, number, key=lambda definition: definition[0])]
        return _open_at(number, lines, before) or _above(number, lines, before)

    def _read(self, file: str) -> list[str]:
        lines = self._lines.get(file)
        if lines is None:
            lines = []
            if not file.startswith("<") and len(self._lines) < _MOST_FILES:
                try:
                    with open(file, "rb") as source:
                        lines = source.read(_MOST_BYTES).decode(errors="replace").splitlines()
                except (OSError, ValueError):
                    lines = []
            self._lines[file] = lines
        return lines


def _open_at(number: int, lines: Sequence[str], definitions: Sequence[_Definition]) -> str:
    """The definitions whose bodies have not ended before a line."""
    names: list[str] = []
    lowest, below = _margin(lines[number - 1]), number
    for place, here, name in reversed(definitions):
        between = [line for line in lines[place : below - 1] if line.strip()]
        # A signature of several lines ends with its bracket, where the definition began.
        ends = (_margin(line) for line in between if line.lstrip()[0] not in ")]}#")
        lowest, below = min([lowest, *ends]), place
        if here < lowest or place == number:
            names.append(name)
        lowest = min(lowest, here)
        if lowest == 0:
            break
    return ".".join(reversed(names))


def _above(number: int, lines: Sequence[str], definitions: Sequence[_Definition]) -> str:
    """The nearest definitions above a line, by indentation alone: a text at the margin ends none of them."""
    names: list[str] = []
    margin = _margin(lines[number - 1])
    for place, here, name in reversed(definitions):
        if here < margin or place == number:
            names.append(name)
            margin = here
        if margin == 0:
            break
    return ".".join(reversed(names))


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _scopes_of(text: str) -> list[_Scope]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    scopes: list[_Scope] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{prefix}.{child.name}" if prefix else child.name
                # Decorators, defaults and the making of the function itself run in the enclosing one.
                scopes.append(_Scope(child.body[0].lineno, child.end_lineno or child.lineno, name))
            visit(child, name)

    try:
        visit(tree, "")
    except RecursionError:
        return []
    return sorted(scopes, key=lambda scope: (scope.first, -scope.last))


def is_machinery(frame: RawFrame, code: CodeMap) -> bool:
    """Whether a frame only carries the call: the harness, the server, the import system, the event loop."""
    file = frame[0]
    origin = code.origin(file)
    if origin in (Origin.HARNESS, Origin.SERVER):
        return True
    if file.startswith("<frozen importlib") or file.endswith("/importlib/__init__.py"):
        return True
    path = file.replace("\\", "/")
    return origin is not Origin.OWN and any(part in path for part in _EVENT_LOOP)
