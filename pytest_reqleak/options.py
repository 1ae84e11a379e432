"""The one table of all settings: names, defaults, what a value may be and where it may stand.

From it come pytest's options and ini settings, the marker's keywords, the
arguments of `reqleak check` and the reference page. What is given in several
places is settled in `settings`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.plan import (
    DEFAULT_BATCHES,
    DEFAULT_ITERATIONS,
    DEFAULT_THRESHOLD_BYTES,
    DEFAULT_TIMEOUT_SECONDS,
)
from pytest_reqleak.units import parse_bytes, parse_count, parse_seconds

SERVERS = ("bundled", "direct", "granian", "uvicorn", "hypercorn", "gunicorn")

# A request that takes longer than this hangs, whatever the whole run may take.
MOST_REQUEST_SECONDS = 30.0

PYTEST, INI, MARKER, CALL, COMMAND = "pytest", "ini", "marker", "call", "command"
EVERYWHERE = frozenset({PYTEST, INI, MARKER, CALL, COMMAND})


# Not a dataclass: making one takes three times as long, in every session that has the plugin.
class Option(NamedTuple):
    """One setting, in all its forms."""

    name: str
    """The marker's keyword; other forms are made from it."""
    parse: Callable[[Any], Any]
    """Reads what a person wrote; raises UsageError that says what it must be."""
    default: Any
    help: str
    metavar: str = ""
    """Empty: a switch without a value."""
    choices: tuple[str, ...] = ()
    forms: frozenset[str] = EVERYWHERE
    """Where it may stand: `pytest` (command line), `ini`, `marker`, `call` (of `check`), `command`."""

    @property
    def dashed(self) -> str:
        """Its option of the `reqleak` command without the dashes before it: `baseline-update`."""
        return self.name.replace("_", "-")

    @property
    def flag(self) -> str:
        """Its option of pytest, such as `--reqleak-iterations`."""
        return f"--reqleak-{self.dashed}"

    @property
    def ini(self) -> str:
        """Its ini setting, such as `reqleak_iterations`."""
        return f"reqleak_{self.name}"

    @property
    def shown_default(self) -> str:
        """The default as a person writes it."""
        if self.default is None or self.default == ():
            return {"warmup": "auto"}.get(self.name, "")
        if isinstance(self.default, float):
            unit = {"threshold": " B", "timeout": " s"}.get(self.name, "")
            return f"{self.default:g}{unit}"
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


def _count(raw: Any) -> int:
    if not isinstance(raw, (str, int)):
        raise UsageError("must be a whole number")
    return parse_count(raw)


def _count_or_auto(raw: Any) -> int | None:
    if isinstance(raw, str) and raw.strip().lower() == "auto":
        return None
    try:
        return _count(raw)
    except UsageError as error:
        raise UsageError(f"{error}, or 'auto'") from None


def _number(parse: Callable[[str | float], float], otherwise: str) -> Callable[[Any], float]:
    def read(raw: Any) -> float:
        if not isinstance(raw, (str, int, float)):
            raise UsageError(otherwise)
        return parse(raw)

    return read


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(raw: Any) -> str:
        word = raw.strip().lower() if isinstance(raw, str) else raw
        if word not in choices:
            import difflib

            near = difflib.get_close_matches(str(word), choices, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"must be one of {', '.join(choices)}{hint}")
        return str(word)

    return read


def _switch(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise UsageError("must be true or false")


def _path(raw: Any) -> str:
    if not isinstance(raw, (str, os.PathLike)) or not os.fspath(raw):
        raise UsageError("must be the name of a file")
    return os.fsdecode(raw)


def _absolute_path(raw: Any) -> str:
    return os.path.abspath(_path(raw))


def _arguments(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, (list, tuple)) and all(isinstance(part, str) for part in raw):
        return tuple(raw)
    if not isinstance(raw, str):
        raise UsageError("must be arguments in one text such as '--backlog 128', or a list of them")
    try:
        return tuple(shlex.split(raw))
    except ValueError as error:
        raise UsageError(f"must be arguments as in a shell: {error}") from None


def _import_string(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise UsageError("must be an import string such as 'shop.main:app'")
    return raw.strip()


def _choice(
    name: str, choices: tuple[str, ...], default: str, help: str, *, forms: frozenset[str] = EVERYWHERE
) -> Option:
    return Option(
        name=name,
        parse=_one_of(choices),
        default=default,
        metavar="NAME",
        help=help,
        choices=choices,
        forms=forms,
    )


_FILES = frozenset({PYTEST, INI, COMMAND})


def _file(name: str, what: str, *, forms: frozenset[str] = _FILES) -> Option:
    return Option(name=name, parse=_path, default=None, metavar="FILE", help=what, forms=forms)


OPTIONS: tuple[Option, ...] = (
    Option(
        name="iterations",
        parse=_count_or_auto,
        default=DEFAULT_ITERATIONS,
        metavar="N",
        help=(
            "Iterations to measure, or 'auto': until the answer is certain; warm-up comes before, "
            "and confirmation after when something grows."
        ),
    ),
    Option(
        name="batches",
        parse=_count,
        default=DEFAULT_BATCHES,
        metavar="N",
        help="Samples to take over the measurement; not more than the iterations.",
    ),
    Option(
        name="warmup",
        parse=_count_or_auto,
        default=None,
        metavar="N",
        help="Iterations before the measurement, or 'auto': until memory has settled.",
    ),
    Option(
        name="threshold",
        parse=_number(parse_bytes, "must be a number of bytes such as 16, '16 B' or '1 KiB'"),
        default=DEFAULT_THRESHOLD_BYTES,
        metavar="BYTES",
        help="Bytes per iteration from which certain growth is a leak, such as 16, '16 B' or '1 KiB'.",
    ),
    _choice(
        "server",
        SERVERS,
        "bundled",
        "What calls the app: our own HTTP server, 'direct' without a socket, or a server in its own process.",
    ),
    _choice(
        "interface", ("auto", "asgi", "rsgi", "wsgi"), "auto", "The app's interface; 'auto' looks at the app."
    ),
    Option(
        name="server_args",
        parse=_arguments,
        default=(),
        metavar="ARGS",
        help="More arguments for a server in a process of its own, such as '--runtime-mode st'.",
    ),
    Option(
        name="isolate",
        parse=_switch,
        default=False,
        help="Run the bundled server in a process of its own, which loads the app by its import string.",
    ),
    _choice(
        "allocator",
        ("glibc", "jemalloc", "mimalloc", "tcmalloc"),
        "glibc",
        "What serves C code in a process that we start: the C library's own, or a library of the system.",
    ),
    _choice(
        "python_malloc",
        ("pymalloc", "malloc"),
        "pymalloc",
        "What serves Python's objects in a process that we start: 'malloc' counts all bytes, but no blocks.",
    ),
    Option(
        name="concurrency",
        parse=_count,
        default=1,
        metavar="N",
        help="Requests under way at the same time; a batch has as many at least.",
    ),
    _choice(
        "trace",
        ("auto", "always", "never"),
        "auto",
        "When to trace allocations: 'auto' when something grows, 'always' between all batches, or 'never'.",
    ),
    _choice("tracer", ("tracemalloc", "memray"), "tracemalloc", "What traces allocations."),
    Option(
        name="memray_capture",
        parse=_absolute_path,
        default=None,
        metavar="FILE",
        help="Trace with memray, and keep its capture for 'memray flamegraph --leaks FILE'.",
    ),
    _choice(
        "gc",
        ("collect", "natural"),
        "collect",
        "Who collects garbage: 'collect', we do before each sample; 'natural', the app's own collector.",
    ),
    Option(
        name="app",
        parse=_import_string,
        default=None,
        metavar="TARGET",
        help="The app of the fixtures: 'module:attribute' or 'path/to/file.py:attribute'.",
        forms=frozenset({PYTEST, INI}),
    ),
    Option(
        name="factory",
        parse=_switch,
        default=False,
        help="The app's attribute is called, without arguments, to make the app.",
        forms=frozenset({PYTEST, INI, CALL, COMMAND}),
    ),
    _file("json", "Write the result as JSON."),
    _file("html", "Write the result as one HTML page."),
    _file("markdown", "Write the result as Markdown."),
    _file("junit", "Write the result as JUnit XML; pytest has --junitxml.", forms=frozenset({COMMAND})),
    _file("gitlab", "Write the lines to blame as a code quality report of GitLab."),
    _file("sarif", "Write the lines to blame as SARIF, for code scanning."),
    _file("speedscope", "Write what was allocated where as flame graphs for speedscope."),
    _file("prometheus", "Write the figures as text for Prometheus."),
    _file("graph", "Draw what holds the memory: a file that ends in .svg (needs Graphviz) or .dot."),
    _choice(
        "github",
        ("auto", "never"),
        "auto",
        "In a job of GitHub Actions, annotate the lines to blame and add to the step's summary.",
        forms=_FILES,
    ),
    _file("baseline", "Growth that is known: only what is worse or new fails."),
    Option(
        name="baseline_update",
        parse=_switch,
        default=False,
        help="Write what grows now into the baseline, and fail for none of it.",
        forms=frozenset({PYTEST, COMMAND}),
    ),
    Option(
        name="timeout",
        parse=_number(parse_seconds, "must be a number of seconds such as 30 or 0.5"),
        default=DEFAULT_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help=(f"For a whole run; a single request may take as long, but {MOST_REQUEST_SECONDS:g} s at most."),
    ),
    _choice(
        "inconclusive",
        ("warn", "fail", "pass"),
        "warn",
        "What to do when no verdict is possible.",
    ),
)

FILE_FORMATS = ("json", "html", "markdown", "junit", "gitlab", "sarif", "speedscope", "prometheus", "graph")
"""The options that name a file for the result, in the order in which it is written."""

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}


def options_for(form: str) -> tuple[Option, ...]:
    """The options that may stand in one place, in the table's order."""
    return tuple(option for option in OPTIONS if form in option.forms)
