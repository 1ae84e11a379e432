"""How the values given in several places become the settings of one run.

Knows the order of the places and how to name the one that is wrong; what a
value may be is the option table's business. It never reads a configuration itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pytest_reqleak.errors import UsageError, shown
from pytest_reqleak.model.plan import Plan
from pytest_reqleak.options import (
    BY_NAME,
    CALL,
    COMMAND,
    FILE_FORMATS,
    INI,
    MOST_REQUEST_SECONDS,
    OPTIONS,
    PYTEST,
    Option,
    options_for,
)


class Given(NamedTuple):
    """A value as somebody wrote it, and the place to name when it is wrong."""

    value: Any
    place: str


class Settings(NamedTuple):
    """What all places together ask for; every value has been checked."""

    plan: Plan
    app: str | None
    files: Mapping[str, str]
    """Where the result is written, by the name of its form, such as `html`."""
    github: str
    """`auto` or `never`."""
    baseline: str | None
    """File of the growth that is known."""
    baseline_update: bool
    inconclusive: str
    """`warn`, `fail` or `pass`."""

    @property
    def request_seconds(self) -> float:
        """How long one request may take."""
        return min(MOST_REQUEST_SECONDS, self.plan.timeout)


def given_in_ini(read: Callable[[str], Any], file: str) -> dict[str, Given]:
    """Take what the configuration file sets.

    Args:
        read: Gives a setting's value by its ini name; None or empty where it is not set.
        file: Its name, for messages.
    """
    found = {option: read(option.ini) for option in options_for(INI)}
    return {
        option.name: Given(value=raw, place=f"{option.ini} = {_quoted(raw)} ({file})")
        for option, raw in found.items()
        if raw is not None and raw != ""
    }


def given_on_command_line(read: Callable[[str], Any], *, command: bool = False) -> dict[str, Given]:
    """Take what the command line of pytest or of `reqleak check` sets.

    Args:
        read: Gives an option's value by its destination; None where it was not given.
        command: Whether it is `reqleak check`, whose options have no prefix.
    """
    taken = {}
    for option in options_for(COMMAND if command else PYTEST):
        raw = read(option.name if command else option.ini)
        if raw is not None:
            flag = f"--{option.dashed}" if command else option.flag
            taken[option.name] = Given(value=raw, place=f"{flag} = {_quoted(raw)} (command line)")
    return taken


def given_as_keywords(
    keywords: Mapping[str, Any], *, form: str, name: str, where: str = ""
) -> dict[str, Given]:
    """Take the keywords of a marker or of a call.

    Args:
        keywords: Name to value; None counts as not given.
        form: `marker` or `call`.
        name: Of the marker or function, for messages.
        where: Such as ` on tests/test_x.py::test_a`; ends the name of the place.

    Raises:
        UsageError: There is no such keyword.
    """
    known = [option.name for option in options_for(form)]
    taken = {}
    for keyword, raw in keywords.items():
        place = f"{name}({keyword}={shown(raw)}){where}"
        if keyword not in known:
            import difflib

            near = difflib.get_close_matches(keyword, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            if keyword in BY_NAME:
                hint = f"it can be set by {_ways(BY_NAME[keyword])}"
            raise UsageError(f"{place}: unknown keyword {keyword!r}; {hint}")
        if raw is not None:
            taken[keyword] = Given(value=raw, place=place)
    return taken


def resolve(sources: Iterable[Mapping[str, Given]], *, side_by_side: bool = True) -> Settings:
    """Make one set of settings from all places.

    Args:
        sources: In rising precedence: ini, command line, markers from the outermost to the closest.
        side_by_side: Whether iterations run side by side; False: the body of a test, which has no use
            for the concurrency.

    Raises:
        UsageError: A value is wrong; overridden values are checked too.
    """
    values = {option.name: option.default for option in OPTIONS}
    places: dict[str, str] = {}
    for source in sources:
        for name, given in source.items():
            try:
                values[name] = BY_NAME[name].parse(given.value)
            except UsageError as error:
                raise UsageError(f"{given.place}: {error}") from None
            places[name] = given.place
    if values["iterations"] is not None and values["batches"] > values["iterations"]:
        if "batches" in places:
            raise UsageError(
                f"{places['batches']}: must not be more than the iterations, "
                f"{values['iterations']}: a batch has at least one"
            )
        values["batches"] = values["iterations"]
    if side_by_side:
        values["batches"] = _batches_with_room(values, places)
    if values["baseline_update"] and values["baseline"] is None:
        place = places["baseline_update"]
        raise UsageError(f"{place}: needs the file to update: name it by the option baseline")
    if values["memray_capture"] is not None:
        if "tracer" in places and values["tracer"] != "memray":
            raise UsageError(f"{places['tracer']}: only memray makes a capture to keep: leave it out")
        if values["trace"] == "never":
            raise UsageError(f"{places['trace']}: memray's capture is made by tracing: leave one of them out")
        values["tracer"] = "memray"
    files = {name: path for name in FILE_FORMATS if (path := values.pop(name)) is not None}
    beside = {
        name: values.pop(name) for name in ("app", "github", "baseline", "baseline_update", "inconclusive")
    }
    return Settings(plan=Plan(**values), files=files, **beside)


def _ways(option: Option) -> str:
    """Where an option can be set, for whoever has set it where it cannot."""
    ways = {
        PYTEST: option.flag,
        INI: f"the ini setting {option.ini}",
        CALL: f"reqleak.check(…, {option.name}=…)",
        COMMAND: f"--{option.dashed} of the command",
    }
    *others, last = [way for form, way in ways.items() if form in option.forms]
    return f"{', '.join(others)} or {last}" if others else last


def _batches_with_room(values: Mapping[str, Any], places: Mapping[str, str]) -> int:
    """The batches, made so few that in each of them as many requests can be under way as are asked for.

    Raises:
        UsageError: There is no room for them, or not in so many batches as somebody has asked for.
    """
    concurrency, batches = int(values["concurrency"]), int(values["batches"])
    fields = {name: values[name] for name in ("iterations", "batches", "concurrency")}
    iterations = Plan(**fields).least_iterations
    if concurrency > iterations:
        raise UsageError(
            f"{places['concurrency']}: must not be more than the iterations, {iterations}: so many can "
            "never be under way at the same time"
        )
    most = iterations // concurrency
    if batches > most and "batches" in places:
        raise UsageError(
            f"{places['batches']}: must not be more than {most}, with {iterations} iterations and "
            f"concurrency {concurrency}: a shorter batch never has so many requests under way"
        )
    return min(batches, most)


def _quoted(raw: Any) -> str:
    return shown(str(raw)) if isinstance(raw, (str, int, float, os.PathLike)) else shown(raw)
