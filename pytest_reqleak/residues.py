"""What other test tools gather with every request, forgotten between two batches.

It is the harness's memory, as pytest's own records are: Django's test client
connects signals for each request, coverage keeps a tracer of each thread, a mock
notes each call. None of it is there in production.

Knows those tools by the parts that are touched here; where a part is missing, as
in a version that was made otherwise, the tool is left alone.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

MOST_CALLS = 100
"""Calls that a mock keeps of a batch."""


class Residues:
    """All such tools that serve one test."""

    def __init__(self, fixtures: Mapping[str, Any]) -> None:
        """Take the values of the test's fixtures by name."""
        self._fixtures = fixtures

    def empty(self) -> None:
        """Forget what the last batch has left."""
        _trim_mocks(self._fixtures)
        _trim_coverage()
        _trim_django_signals()
        _trim_aiohttp_clients(self._fixtures)

    def restore(self) -> None:
        """Nothing was put aside."""


def mocks_of(fixtures: Mapping[str, Any]) -> Iterator[Any]:
    """The mocks among the values of fixtures, and those that pytest-mock has made."""
    kind = getattr(sys.modules.get("unittest.mock"), "NonCallableMock", None)
    if kind is None:
        return
    for name, value in fixtures.items():
        # Not isinstance: a lazy object would be asked for its class.
        if issubclass(type(value), kind):
            yield value
        elif name.endswith("mocker"):
            made = getattr(getattr(value, "_mock_cache", None), "cache", ())
            yield from (entry.mock for entry in made if issubclass(type(entry.mock), kind))


def aiohttp_clients(fixtures: Mapping[str, Any]) -> Iterator[Any]:
    """The clients of aiohttp's own test tools among the values of fixtures."""
    kind = getattr(sys.modules.get("aiohttp.test_utils"), "TestClient", None)
    if kind is not None:
        yield from (value for value in fixtures.values() if issubclass(type(value), kind))


def _trim_mocks(fixtures: Mapping[str, Any]) -> None:
    """Let mocks keep few of their calls; how many there were, they still know."""
    for mock in mocks_of(fixtures):
        for calls in _call_lists(mock):
            del calls[MOST_CALLS:]


def _call_lists(mock: Any, depth: int = 3) -> Iterator[list[Any]]:
    """The lists in which a mock and its children note their calls."""
    own = vars(mock)
    for name in ("mock_calls", "call_args_list", "method_calls"):
        calls = getattr(mock, name, None)
        if isinstance(calls, list):
            yield calls
    for child in [*(own.get("_mock_children") or {}).values(), own.get("_mock_return_value")]:
        if depth and hasattr(type(child), "reset_mock"):
            yield from _call_lists(child, depth - 1)


def _trim_coverage() -> None:
    """Let coverage forget the tracers of threads that have ended; their lines are counted already."""
    collector = getattr(sys.modules.get("coverage.collector"), "Collector", None)
    traced_by = sys.gettrace()
    for running in getattr(collector, "_collectors", ()):
        tracers = getattr(running, "tracers", None)
        if isinstance(tracers, list):
            # One for each thread that was ever started, the oldest first; the first is the main thread's.
            del tracers[1 : max(1, len(tracers) - threading.active_count())]
    if sys.gettrace() is not traced_by:
        # A tracer that goes takes with it the trace function of whatever thread it goes in.
        sys.settrace(traced_by)


def _trim_django_signals() -> None:
    """Undo what Django's test client leaves with each request in the registry of finalizers.

    It connects `close_old_connections`, which never dies, anew after each request,
    and its own methods; `assertNumQueries` does so with `reset_queries`. Each time a
    finalizer is registered that only the death of the receiver takes away. Those say
    nothing that the first does not say.
    """
    module = sys.modules.get("django.test.client")
    remove = getattr(getattr(sys.modules.get("django.dispatch"), "Signal", None), "_remove_receiver", None)
    registry = getattr(weakref.finalize, "_registry", None)
    if module is None or remove is None or not isinstance(registry, dict):
        return
    database = sys.modules.get("django.db")
    lasting = [getattr(database, name, None) for name in ("close_old_connections", "reset_queries")]
    clients = tuple(
        kind for name in ("Client", "AsyncClient") if isinstance(kind := getattr(module, name, None), type)
    )
    seen = set()
    # A copy: a collection meanwhile may take finalizers away.
    for finalizer, entry in registry.copy().items():
        call: Any = getattr(entry, "func", None)
        if getattr(call, "__func__", None) is not remove:
            continue
        receiver = entry.weakref()
        # By identity: an app's own receiver may say what equals what.
        known = any(receiver is one for one in lasting) or issubclass(type(receiver), clients)
        if receiver is None or not known:
            continue
        key = id(call.__self__), id(receiver)
        if key in seen:
            finalizer.detach()
        seen.add(key)


def _trim_aiohttp_clients(fixtures: Mapping[str, Any]) -> None:
    """Let aiohttp's test clients forget the responses that they would close at their own end."""
    for client in aiohttp_clients(fixtures):
        responses = getattr(client, "_responses", None)
        if isinstance(responses, list):
            responses[:] = [response for response in responses if not getattr(response, "closed", False)]
