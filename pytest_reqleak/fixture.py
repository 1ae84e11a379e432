"""Measure an app by a list of requests: `check` and `measure`, with or without pytest.

Knows how to put the parts of a run together and what a verdict means to its
caller; not what happens in a run, nor where settings come from.
"""

from __future__ import annotations

import os
import reprlib
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_reqleak.categorizing import categorized
from pytest_reqleak.drivers.driver import make_driver
from pytest_reqleak.errors import MemoryGrowth, NoVerdict, ReqleakWarning, UsageError, shown
from pytest_reqleak.measuring import run_workload
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.placeholder import PLACEHOLDER
from pytest_reqleak.model.request import Request, parse_request_line, requests_from_json
from pytest_reqleak.options import CALL
from pytest_reqleak.servers.app import boot_app
from pytest_reqleak.servers.target import home_of_app
from pytest_reqleak.settings import Given, Settings, given_as_keywords, resolve

if TYPE_CHECKING:
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.recorders import Recorders
    from pytest_reqleak.stages import Observer

Requests = Request | str | Mapping[str, Any] | Iterable[Request | str | Mapping[str, Any]]

# The collector's freeze, the tracers and the live blocks belong to the whole process.
_MEASURING = threading.Lock()


def check(app: Any, requests: Requests = "GET /", **options: Any) -> Run:
    """Measure an app and raise when it keeps memory.

    Boots the app in this process, sends the requests in turn, and shuts it down.

    Args:
        app: An ASGI or WSGI app, or an import string such as `"shop.main:app"`.
        requests: A `Request`, a line such as `"GET /orders/{i}"`, a dict with a
            request's fields, or a list of those; `{i}` becomes the iteration's number.
        **options: As the keywords of the `no_leak` marker, and `factory`.

    Returns:
        The result, when its verdict is `clean`, or `inconclusive` and that is no failure.

    Raises:
        MemoryGrowth: The verdict is `leak`.
        NoVerdict: The verdict is `inconclusive`, and `inconclusive="fail"`.
        ReqleakError: It could not be measured.
    """
    settings = resolve([given_as_keywords(options, form=CALL, name="check")])
    run = measure_app(app, requests, settings)
    judge(run, settings, warn=_warn_caller)
    return run


def measure(app: Any, requests: Requests = "GET /", **options: Any) -> Run:
    """Measure an app as `check` does, and return the result whatever it says.

    Raises:
        ReqleakError: It could not be measured.
    """
    return measure_app(app, requests, resolve([given_as_keywords(options, form=CALL, name="measure")]))


class Reqleak:
    """What the `reqleak` fixture gives: `check` and `measure` with the test's own settings."""

    def __init__(
        self,
        sources: Sequence[Mapping[str, Given]],
        *,
        record: Callable[[], Recorders],
        keep: Callable[[Run], None],
        observe: Callable[[], AbstractContextManager[Observer | None]],
    ) -> None:
        """Take the surroundings of one test.

        Args:
            sources: Its settings, in rising precedence; the keywords of a call come on top.
            record: Makes the context that keeps pytest's records out of the count.
            keep: Is given each result, for the session's report.
            observe: Makes the context that shows progress.
        """
        self._sources = tuple(sources)
        self._record = record
        self._keep = keep
        self._observe = observe

    def check(self, app: Any, requests: Requests = "GET /", **options: Any) -> Run:
        """Measure an app and raise when it keeps memory; see `pytest_reqleak.check`."""
        settings = self._settings("reqleak.check", options)
        run = self._measure(app, requests, settings)
        judge(run, settings, warn=_warn_caller)
        return run

    def measure(self, app: Any, requests: Requests = "GET /", **options: Any) -> Run:
        """Measure an app and return the result whatever it says; see `pytest_reqleak.measure`."""
        return self._measure(app, requests, self._settings("reqleak.measure", options))

    def _settings(self, name: str, options: Mapping[str, Any]) -> Settings:
        return resolve([*self._sources, given_as_keywords(options, form=CALL, name=name)])

    def _measure(self, app: Any, requests: Requests, settings: Settings) -> Run:
        with self._record() as recorders, self._observe() as observer:
            run = measure_app(app, requests, settings, observer=observer, recorders=recorders)
        self._keep(run)
        return run


def measure_app(
    app: Any,
    requests: Requests,
    settings: Settings,
    *,
    observer: Observer | None = None,
    recorders: Recorders | None = None,
) -> Run:
    """Boot an app, measure it by some requests, and shut it down.

    Raises:
        ReqleakError: It could not be measured.
    """
    plan = settings.plan
    check_capture(plan)
    workload = read_requests(requests)
    if plan.server == "bundled":
        from pytest_reqleak.servers.methods import check_methods

        check_methods(workload)
    with ExitStack() as opened:
        opened.enter_context(one_at_a_time())
        started = time.perf_counter()
        name = None if isinstance(app, str) else name_of(app)
        if plan.factory and not isinstance(app, str) and not plan.starts_process:
            app = app()
        booted = boot_app(app, plan, name=name)
        opened.callback(booted.close)
        boot_seconds = time.perf_counter() - started
        driver = make_driver(
            booted, workload, concurrency=plan.concurrency, request_seconds=settings.request_seconds
        )
        opened.callback(driver.close)
        run = run_workload(
            plan=plan,
            target=booted.name,
            driver=driver,
            agent=booted.make_agent(),
            server=booted.info,
            requests=tuple(request.title for request in workload),
            workload=workload,
            varies=any(_varies(request) for request in workload),
            observer=observer,
            boot_seconds=boot_seconds,
            between_batches=None if recorders is None else recorders.between_batches,
        )
    # Only now: the app has been shut down.
    run = replace(run, caveats=run.caveats + booted.unseen.caveats())
    if recorders is not None:
        run = replace(run, caveats=run.caveats + recorders.caveats())
    run = categorized(run, None if recorders is None else recorders.categorize)
    return against_baseline(run, settings)


def check_capture(plan: Plan) -> None:
    """Find out, before a run is spent on it, whether memray's capture can be kept.

    Raises:
        UsageError: It cannot.
    """
    if plan.memray_capture is None:
        return
    from pytest_reqleak.report.files import check_writable

    try:
        check_writable(plan.memray_capture)
    except UsageError as error:
        raise UsageError(f"memray_capture: {error}") from None


def against_baseline(run: Run, settings: Settings) -> Run:
    """Hold a run against the growth that is known, where there is a baseline.

    Raises:
        UsageError: The baseline cannot be read.
    """
    if settings.baseline is None:
        return run
    from pytest_reqleak.baseline.compare import baselined
    from pytest_reqleak.baseline.document import read_baseline

    known = read_baseline(settings.baseline, may_be_missing=settings.baseline_update)
    return baselined(run, known, update=settings.baseline_update)


def judge(run: Run, settings: Settings, *, warn: Callable[[ReqleakWarning], None]) -> None:
    """Raise or warn as the verdict and the settings ask for.

    Args:
        run: The result.
        settings: What to do with an inconclusive one.
        warn: Issues a warning where its reader expects it.

    Raises:
        MemoryGrowth: The verdict is `leak`.
        NoVerdict: The verdict is `inconclusive`, and that is a failure.
    """
    if run.verdict is Verdict.LEAK:
        if run.is_accepted:
            return
        from pytest_reqleak.report.terminal import growth_message

        raise MemoryGrowth(growth_message(run), run)
    if run.verdict is Verdict.INCONCLUSIVE and settings.inconclusive != "pass":
        message = f"{run.target}: inconclusive: {run.reason}"
        if settings.inconclusive == "fail":
            raise NoVerdict(message, run)
        warn(ReqleakWarning(message))


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the one right to measure in this process.

    Raises:
        UsageError: A measurement is under way, such as a `check` within a repeated body.
    """
    if not _MEASURING.acquire(blocking=False):
        raise UsageError(
            "a measurement is under way in this process: two would count each other's memory; "
            "call check() through the `reqleak` fixture, which keeps a marked test from being repeated"
        )
    try:
        yield
    finally:
        _MEASURING.release()


def read_requests(requests: Requests) -> tuple[Request, ...]:
    """Make a workload of what a caller wrote.

    Raises:
        UsageError: There is no request, or one is wrong; its position is named.
    """
    entries: Any = (requests,) if isinstance(requests, (Request, str, Mapping)) else requests
    if not isinstance(entries, Iterable):
        raise UsageError(
            f"requests = {shown(requests)}: must be a request, a line such as 'GET /', or a list"
        )
    workload = tuple(_read_request(entry, number) for number, entry in enumerate(entries, start=1))
    if not workload:
        raise UsageError("requests: must hold at least one request")
    return workload


def _read_request(entry: Any, number: int) -> Request:
    if isinstance(entry, Request):
        return entry
    if isinstance(entry, str):
        return parse_request_line(entry)
    if isinstance(entry, Mapping):
        return requests_from_json([dict(entry)], place=f"requests, entry {number}")[0]
    raise UsageError(f"requests, entry {number}: must be a Request, a line or a dict, not {shown(entry)}")


def _varies(request: Request) -> bool:
    texts = [request.path, *(text for pair in request.header_items() for text in pair)]
    return any(PLACEHOLDER in text for text in texts) or PLACEHOLDER.encode() in request.body()


def name_of(app: Any) -> str:
    """Name an app object as a person would: where it is a module's global, or else its type."""
    if not callable(app):
        return "what was given" if app is None else reprlib.repr(app)
    home = home_of_app(app)
    if home is not None:
        return ":".join(home)
    named = app if isinstance(getattr(app, "__qualname__", None), str) else type(app)
    return f"{named.__module__}.{named.__qualname__}"


def _warn_caller(warning: ReqleakWarning) -> None:
    # The first frame outside this package is the line that asked.
    here = os.path.dirname(__file__) + os.sep
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(here):
        level, frame = level + 1, frame.f_back
    warnings.warn(warning, stacklevel=level)
