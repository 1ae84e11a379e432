"""Keep what pytest records about a test from being counted as the app's memory.

pytest's log capture holds every record, its output capture every printed line,
its warnings plugin every warning. Each grows with every request and is emptied
between batches here, in place.

Knows pytest's records only; when a batch ends is told from outside. What a
failing test shows stays useful: the records up to the first emptying are put
back at the end, with a line that says how much was left out, and what came
after the last emptying is left as it is.
"""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_reqleak.neighbours import FIXTURES, neighbours_of
from pytest_reqleak.recorded_warnings import RecordedWarnings, recorded_warnings
from pytest_reqleak.residues import Residues

if TYPE_CHECKING:
    from types import TracebackType

    from pytest_reqleak.model.finding import Caveat

MOST_RECORDS = 100
"""Log records that are kept of the beginning."""
MOST_TEXT = 10_000
"""Characters of printed or logged text that are kept of the beginning."""


class Recorder(Protocol):
    """One place where pytest gathers something."""

    def empty(self) -> None:
        """Forget what was recorded, but keep the beginning the first time."""

    def restore(self) -> None:
        """Put the beginning back."""


class Recorders:
    """All records that pytest keeps while one test runs; a context manager around the measurement."""

    def __init__(self, item: pytest.Item) -> None:
        """Find what records this test: depends on pytest's options and the test's fixtures."""
        self._item = item
        fixtures = _fixture_values(item)
        logs = [_Log(handler) for handler in _log_handlers()]
        captures = [_FixtureCapture(fixtures[name]) for name in _CAPTURES if name in fixtures]
        recwarn = fixtures.get("recwarn")
        self._warnings = RecordedWarnings(recwarn.list if recwarn is not None else recorded_warnings())
        properties = _Properties(item)
        self._all: list[Recorder] = [*logs, *captures, self._warnings, properties]
        self._all += [_Bounded(deque) for deque in _exception_deques(item.config)]
        capture: Any = item.config.pluginmanager.getplugin("capturemanager")
        if capture is not None and capture.is_globally_capturing():
            self._all.append(_GlobalCapture(capture, item))
        # What the test itself looks at must hold one pass only, or its second pass would fail.
        self._by_pass: list[Recorder] = [properties, *captures]
        if "monkeypatch" in fixtures:
            self._by_pass.append(_Patches(fixtures["monkeypatch"]))
        if "caplog" in fixtures:
            self._by_pass += logs
        if recwarn is not None:
            self._by_pass.append(self._warnings)
        self._by_pass += neighbours_of(fixtures)
        self._all.append(Residues(fixtures))

    def __enter__(self) -> Recorders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for recorder in dict.fromkeys([*reversed(self._all), *self._by_pass]):
            recorder.restore()

    def between_batches(self) -> None:
        """Empty every record, before a sample is taken."""
        for recorder in self._all:
            recorder.empty()

    def before_pass(self) -> None:
        """Empty what the test itself may look at, before each pass of its body but the first."""
        for recorder in self._by_pass:
            recorder.empty()

    @property
    def categorize(self) -> Any:
        """The hook by which others say what kind of memory a site keeps."""
        return self._item.ihook.pytest_reqleak_categorize

    def caveats(self) -> tuple[Caveat, ...]:
        """What was left out of the count although the app does it outside pytest too."""
        return self._warnings.caveats()


class _Log:
    """A handler of pytest's logging plugin: its list of records and its text."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._head: tuple[list[logging.LogRecord], str] | None = None
        self._dropped = 0

    def empty(self) -> None:
        handler = self._handler
        handler.acquire()
        try:
            if self._head is None:
                text = handler.stream.getvalue()
                self._head = handler.records[:MOST_RECORDS], text[:MOST_TEXT]
                self._dropped += max(0, len(handler.records) - MOST_RECORDS)
            else:
                self._dropped += len(handler.records)
            # In place: the plugin's stash holds this very list, which `caplog` shows.
            handler.records.clear()
            handler.stream = io.StringIO()
        finally:
            handler.release()

    def restore(self) -> None:
        if self._head is None:
            return
        handler, (records, text) = self._handler, self._head
        handler.acquire()
        try:
            handler.records[:0] = records
            gap = _gap(self._dropped, "log records")
            handler.stream = _written(text + gap + handler.stream.getvalue()[-MOST_TEXT:])
        finally:
            handler.release()
        self._head = None


class _GlobalCapture:
    """What the whole session's capture has taken from stdout and stderr.

    The beginning goes into report sections of its own: writing it back would
    print it twice under `--capture=tee-sys`.
    """

    def __init__(self, manager: Any, item: pytest.Item) -> None:
        self._manager = manager
        self._item = item
        self._head: tuple[str, str] | None = None
        self._dropped = [0, 0]

    def empty(self) -> None:
        streams = self._manager.read_global_capture()
        if self._head is None:
            out, err = streams
            self._head = out[:MOST_TEXT], err[:MOST_TEXT]
            streams = out[MOST_TEXT:], err[MOST_TEXT:]
        for number, text in enumerate(streams):
            self._dropped[number] += len(text)

    def restore(self) -> None:
        if self._head is None:
            return
        for name, head, dropped in zip(("stdout", "stderr"), self._head, self._dropped, strict=True):
            self._item.add_report_section("call", name, head + _gap(dropped, "characters"))
        self._head = None


class _FixtureCapture:
    """What `capsys`, `capfd` and their like have taken."""

    def __init__(self, fixture: Any) -> None:
        self._fixture = fixture
        self._head: Any = None

    def empty(self) -> None:
        taken = self._fixture.readouterr()
        if self._head is None:
            self._head = taken.out[:MOST_TEXT], taken.err[:MOST_TEXT]

    def restore(self) -> None:
        if self._head is None:
            return
        tail = self._fixture.readouterr()
        for stream, head, rest in zip((sys.stdout, sys.stderr), self._head, tail, strict=True):
            # The binary fixtures give bytes; both write through to where they read from.
            (stream.buffer if isinstance(head, bytes) else stream).write(head + rest)
        self._head = None


class _Properties:
    """What `record_property` has added to the test: the last pass's alone is kept."""

    def __init__(self, item: pytest.Item) -> None:
        self._kept = item.user_properties
        self._size = len(item.user_properties)
        self._last: list[tuple[str, object]] = []

    def empty(self) -> None:
        if len(self._kept) > self._size:
            self._last = self._kept[self._size :]
            del self._kept[self._size :]

    def restore(self) -> None:
        if len(self._kept) == self._size:
            self._kept += self._last


class _Patches:
    """What the body has patched through `monkeypatch`, which notes each patch for its undoing.

    Undone before each pass, so that every pass starts from what the fixtures have
    set up; those patches stay.
    """

    _NOTES = (("_setattr", list), ("_setitem", list), ("_cwd", lambda: None), ("_savesyspath", lambda: None))

    def __init__(self, monkeypatch: Any) -> None:
        self._monkeypatch = monkeypatch
        self._outer = {name: getattr(monkeypatch, name) for name, _ in self._NOTES}
        for name, nothing in self._NOTES:
            setattr(monkeypatch, name, nothing())

    def empty(self) -> None:
        self._monkeypatch.undo()

    def restore(self) -> None:
        for name, before in self._outer.items():
            now = getattr(self._monkeypatch, name)
            both = [*before, *now] if name.startswith("_set") else before if before is not None else now
            setattr(self._monkeypatch, name, both)


class _Bounded:
    """Exceptions in threads and finalizers, which pytest turns into warnings after the test."""

    def __init__(self, deque: Any) -> None:
        self._deque = deque

    def empty(self) -> None:
        while len(self._deque) > MOST_RECORDS // 10:
            self._deque.pop()

    def restore(self) -> None:
        """The first ones were kept where they are."""


_CAPTURES = ("capsys", "capsysbinary", "capteesys", "capfd", "capfdbinary")


def _fixture_values(item: pytest.Item) -> dict[str, Any]:
    values = dict(getattr(item, "funcargs", None) or {})
    # An autouse fixture, or a unittest class, uses fixtures that are no arguments of the test.
    known = getattr(getattr(item, "_request", None), "_fixture_defs", {})
    for name in (*_CAPTURES, "caplog", "recwarn", "monkeypatch", *FIXTURES):
        cached = getattr(known.get(name), "cached_result", None)
        if name not in values and cached is not None and cached[2] is None:
            values[name] = cached[0]
    return values


def _log_handlers() -> list[Any]:
    # By shape, not by class: pytest's own class is private.
    return [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(getattr(handler, "records", None), list)
        and isinstance(getattr(handler, "stream", None), io.StringIO)
    ]


def _exception_deques(config: pytest.Config) -> list[Any]:
    found = []
    for module, key in (
        ("_pytest.unraisableexception", "unraisable_exceptions"),
        ("_pytest.threadexception", "thread_exceptions"),
    ):
        stash_key: Any = getattr(sys.modules.get(module), key, None)
        deque = config.stash.get(stash_key, None) if stash_key is not None else None
        if deque is not None:
            found.append(deque)
    return found


def _gap(number: int, what: str) -> str:
    return f"\n[{number:,} {what} of repeated iterations left out]\n" if number else ""


def _written(text: str) -> io.StringIO:
    stream = io.StringIO()
    stream.write(text)
    return stream
