"""Tell what a test's own fixtures keep from what the app keeps.

A fixture is set up once and lives through all iterations: a spy that notes each
call grows with them. That is the test's memory, and it shall be named so.

Knows pytest's fixtures; not how holders are searched for.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, GeneratorType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_reqleak.model.finding import Caveat
from pytest_reqleak.model.meter import Verdict

if TYPE_CHECKING:
    from pytest_reqleak.model.run import Run

OURS = "reqleak"
"""What the names of our own fixtures begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureName:
    """A fixture that a test uses, and where its function stands."""

    title: str
    """Such as `fixture 'spy' (conftest.py:7)`."""
    file: str
    first_line: int
    last_line: int
    value: Any
    frame: GeneratorType[Any, Any, Any] | None
    """Its function, where that waits at its `yield`."""

    def roots(self) -> dict[str, Any]:
        """Names for the search of holders: the value, and the variables of a function that waits."""
        found = {} if self.value is None else {self.title: self.value}
        frame = None if self.frame is None else self.frame.gi_frame
        if frame is not None:
            found |= {f"{self.title} -> local {name}": thing for name, thing in frame.f_locals.items()}
        return found

    def allocates(self, run: Run) -> bool:
        """Whether the line that leaves most behind is the fixture's."""
        for site in run.sites[:1]:
            for frame in site.frames[:1]:
                return (
                    os.path.realpath(frame.file) == os.path.realpath(self.file)
                    and self.first_line <= frame.line <= self.last_line
                )
        return False

    def holds(self, run: Run) -> bool:
        """Whether what holds most is the fixture's value, or a variable of its function."""
        return bool(run.holders) and run.holders[0].path in self.roots()


def fixtures_of(item: pytest.Item) -> list[FixtureName]:
    """Find the fixtures that serve a test, set up, those of our own left out."""
    # There is no public way from a test to the fixtures that serve it.
    definitions: Any = getattr(getattr(item, "_request", None), "_fixture_defs", {})
    found = []
    for name, definition in definitions.items():
        function = getattr(definition, "func", None)
        code = getattr(function, "__code__", None)
        cached = getattr(definition, "cached_result", None)
        if name.startswith(OURS) or name == "request" or code is None or cached is None or cached[2]:
            continue
        found.append(
            FixtureName(
                title=f"fixture {name!r} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})",
                file=code.co_filename,
                first_line=code.co_firstlineno,
                last_line=max(_lines(code)),
                value=cached[0],
                frame=_generator_of(definition),
            )
        )
    return found


def own_growth(run: Run, fixtures: list[FixtureName]) -> tuple[Caveat, ...]:
    """Name the fixture that grows, where it is one that does."""
    if run.verdict is Verdict.CLEAN:
        return ()
    return tuple(
        Caveat(
            slug="fixture-grows",
            text=(
                f"{fixture.title} keeps something of every iteration: it is set up once for all of them. "
                "That is the test's memory, not the app's: let it forget, or leave it out of this test."
            ),
        )
        for fixture in fixtures
        if fixture.holds(run) or fixture.allocates(run)
    )


def _lines(code: CodeType) -> Iterator[int]:
    """Every line of a function and of those within it."""
    yield code.co_firstlineno
    yield from (line for _, _, line in code.co_lines() if line)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _lines(constant)


def _generator_of(definition: Any) -> GeneratorType[Any, Any, Any] | None:
    # pytest keeps the waiting function for its teardown, and nowhere else.
    for finalizer in getattr(definition, "_finalizers", ()):
        if isinstance(finalizer, functools.partial):
            for argument in finalizer.args:
                if isinstance(argument, GeneratorType):
                    return argument
    return None
