"""The face in pytest: options, marker, fixtures and hooks.

Light on purpose: whoever has the plugin installed and measures nothing pays for
this file and the option table alone. Everything else is imported inside the
hook or fixture that needs it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_reqleak import options
from pytest_reqleak.errors import MemoryGrowth, NoVerdict, ReqleakError, ReqleakWarning, UsageError
from pytest_reqleak.iteration import UNREPEATABLE, Iteration
from pytest_reqleak.session import NOT_REPEATABLE, SKIPPED, Session
from pytest_reqleak.settings import given_as_keywords, resolve

if TYPE_CHECKING:
    from pytest_reqleak.fixture import Reqleak
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.recorders import Recorders
    from pytest_reqleak.settings import Given, Settings
    from pytest_reqleak.stages import Observer

MARKER = "no_leak"
OFF = "reqleak_off"

_SESSION = pytest.StashKey[Session]()
_SETTINGS = pytest.StashKey["Settings"]()
_RUNS = pytest.StashKey[list[str]]()
_BOOT = pytest.StashKey[Any]()
_STARTED = pytest.StashKey[float]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    from pytest_reqleak import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Make pytest's options and ini settings of the option table."""
    group = parser.getgroup("reqleak", "memory growth per request")
    group.addoption(
        "--reqleak",
        action="store_const",
        const=True,
        default=None,
        dest="reqleak",
        help="Check every test, marked or not, but those with no_leak(False) or reqleak_off.",
    )
    group.addoption(
        "--no-reqleak",
        action="store_const",
        const=False,
        dest="reqleak",
        help="Run marked tests once, as plain tests.",
    )
    for option in options.options_for(options.PYTEST):
        shown = f" Default: {option.shown_default}." if option.shown_default else ""
        takes: dict[str, Any] = {"metavar": option.metavar}
        if not option.metavar:
            takes = {"action": "store_const", "const": "true"}
        group.addoption(
            option.flag, dest=option.ini, default=None, help=(option.help + shown).replace("%", "%%"), **takes
        )
    # A TOML file may then say 5000 as well as "5000".
    kind: dict[str, Any] = {"type": str | int | float | bool} if pytest.version_tuple >= (9, 2) else {}
    for option in options.options_for(options.INI):
        parser.addini(option.ini, option.help, default=None, **kind)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and check all settings before anything is collected."""
    keywords = ", ".join(f"{option.name}=..." for option in options.options_for(options.MARKER))
    config.addinivalue_line(
        "markers",
        f"{MARKER}({keywords}): repeat the test's body and fail when it leaves memory behind; "
        f"{MARKER}(False) switches that off",
    )
    config.addinivalue_line("markers", f"{OFF}: leave the test out of --reqleak; the same as {MARKER}(False)")
    try:
        session = Session(config)
        session.check_reports()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_SESSION] = session
    config.pluginmanager.register(session, "reqleak-session")


def _session(config: pytest.Config) -> Session:
    return config.stash[_SESSION]


def _markers(item: pytest.Item) -> list[pytest.Mark]:
    """The test's own marker first, then its class's, then its module's."""
    return list(item.iter_markers(MARKER))


def _sources(item: pytest.Item) -> list[Mapping[str, Given]]:
    return [*_session(item.config).sources, *_marked(item)]


def _marked(item: pytest.Item) -> list[dict[str, Given]]:
    """What the test's markers set, its own last."""
    where = f" on {item.nodeid}"
    sources = []
    for mark in reversed(_markers(item)):
        if len(mark.args) > 1 or not all(isinstance(argument, bool) for argument in mark.args):
            shown = ", ".join(map(repr, mark.args))
            raise UsageError(
                f"{MARKER}({shown}){where}: takes keywords such as iterations=5000, or False to switch it off"
            )
        sources.append(given_as_keywords(mark.kwargs, form=options.MARKER, name=MARKER, where=where))
    return sources


def _settings(item: pytest.Item) -> Settings:
    if _SETTINGS not in item.stash:
        item.stash[_SETTINGS] = resolve(_sources(item), side_by_side=False)
    return item.stash[_SETTINGS]


def _is_repeated(item: pytest.Item) -> bool:
    switch, marks = _session(item.config).switch, _markers(item)
    # A test that asks for `reqleak` says itself what is to be measured.
    if switch is False or "reqleak" in getattr(item, "fixturenames", ()):
        return False
    if _is_off(item):
        return False
    if marks:
        return not marks[0].args or marks[0].args[0] is True
    return switch is True and isinstance(item, pytest.Function)


def _is_off(item: pytest.Item) -> bool:
    """Whether `reqleak_off` stands closer to the test than `no_leak`."""
    for mark in item.iter_markers():
        if mark.name in (MARKER, OFF):
            return mark.name == OFF
    return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a wrong marker before any fixture is set up."""
    item.stash[_STARTED] = time.monotonic()
    if _markers(item):
        _settings(item)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> None:
    """Refuse a marker on a fixture, where pytest itself does not yet: it would do nothing."""
    function = fixturedef.func
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    for marked in (function, getattr(module, fixturedef.argname, None)):
        marks = getattr(marked, "pytestmark", None)
        if isinstance(marks, list) and any(mark.name == MARKER for mark in marks):
            raise UsageError(
                f"{MARKER} on the fixture {fixturedef.argname!r}, used by {request.node.nodeid}: "
                "a fixture is not repeated; mark the tests that use it"
            )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Put a measured run in the place of a test's single pass."""
    if not _is_repeated(item):
        # A single pass is iteration 0.
        once = Iteration(item)
        once.set(0)
        yield
        once.restore()
        return
    runtest = item.runtest

    def measured() -> None:
        from pytest_reqleak.repeat import measure_body

        measure_body(
            item,
            runtest,
            _settings(item),
            marked=ChainMap(*reversed(_marked(item))),
            started=item.stash[_STARTED],
            boot=item.stash.get(_BOOT, None),
            keep=lambda run: _keep(item, run),
            observe=lambda: _observe(item.config),
        )

    replaced = vars(item).get("runtest")
    item.runtest = measured  # type: ignore[method-assign]
    yield
    if replaced is None:
        del item.runtest
    else:
        item.runtest = replaced  # type: ignore[method-assign]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show our exceptions as our reports, and send the runs with the test's report."""
    outcome: Any = yield
    report = outcome.get_result()
    if call.excinfo is not None and report.failed:
        error = call.excinfo.value
        if isinstance(error, (MemoryGrowth, NoVerdict, ReqleakError, ReqleakWarning)):
            from pytest_reqleak.longrepr import represent

            report.longrepr = represent(item, call.excinfo)
            # "Could not measure" is no failure of the test; this survives pytest-xdist.
            report.reqleak_error = isinstance(error, ReqleakError)
        elif _BOOT in item.stash and item.stash[_BOOT].booted.last_error is not None:
            from pytest_reqleak.servers.failure import section_of

            report.sections.append(section_of(item.stash[_BOOT].booted.last_error))
    if report.skipped and not hasattr(report, "wasxfail") and _markers(item) and _is_repeated(item):
        # A marker promises a measurement; who reads the summary shall know that there was none.
        report.reqleak_unmeasured = SKIPPED
    elif report.failed and item.stash.get(UNREPEATABLE, False):
        report.reqleak_unmeasured = NOT_REPEATABLE
    runs = item.stash.get(_RUNS, None)
    if runs:
        report.reqleak_runs = runs
        del item.stash[_RUNS]


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Count what could not be measured as an error, apart from failed tests."""
    if getattr(report, "reqleak_error", False) and report.when == "call" and report.failed:
        return "error", "E", "ERROR"
    return None


def _keep(item: pytest.Item, run: Run) -> None:
    from pytest_reqleak.report.json import run_to_json
    from pytest_reqleak.report.junit import properties_of

    run = replace(run, test=item.nodeid, environment={**run.environment, **_machine(item.config)})
    texts = item.stash.setdefault(_RUNS, [])
    texts.append(json.dumps(run_to_json(run)))
    item.user_properties += properties_of(run, number=len(texts))


def _machine(config: pytest.Config) -> dict[str, str]:
    """Where a worker of pytest-xdist has measured: its results are merged with those of other machines."""
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker is None:
        return {}
    import platform

    return {"host": platform.node() or "unknown", "worker": worker}


@contextmanager
def _observe(config: pytest.Config) -> Iterator[Observer | None]:
    from pytest_reqleak.live import terminal_progress

    with terminal_progress(config) as observer:
        yield observer


@pytest.fixture(scope="session")
def reqleak_app(pytestconfig: pytest.Config) -> Any:
    """The app that is measured: override this fixture, or set `reqleak_app`.

    Its scope is how long the app stays booted: a `session`-scoped app is booted
    once for all tests, a `function`-scoped one for each.
    """
    settings = _session(pytestconfig).settings
    if settings.app is None:
        raise UsageError(
            "reqleak_app: no app is named: override this fixture, or set reqleak_app = "
            "'module:attribute' in pytest's configuration (or --reqleak-app on the command line)"
        )
    from pytest_reqleak.servers.target import load_target

    return load_target(settings.app, factory=settings.plan.factory).app


@pytest.fixture
def reqleak_client(request: pytest.FixtureRequest, reqleak_app: Any) -> Iterator[Any]:
    """An httpx client whose requests go to the booted `reqleak_app`.

    The client is the test's own; the app's boot is shared by all tests that get
    the same app object.
    """
    from pytest_reqleak.boots import before_teardown_of
    from pytest_reqleak.drivers.client_transport import make_client

    item = request.node
    settings = _settings(item)
    boot = (
        _session(item.config)
        .boots()
        .boot(reqleak_app, settings, before_teardown=before_teardown_of(request, "reqleak_app"))
    )
    boot.booted.last_error = None
    item.stash[_BOOT] = boot
    with make_client(boot.booted, request_seconds=settings.request_seconds) as client:
        yield client


@pytest.fixture
def reqleak_iteration() -> int:
    """The number of the iteration, counted from 0, for the body of a repeated test.

    A test that asks for it also gets the number in the place of `{i}` in its
    parametrised data. A fixture that asks for it gets 0: it is set up once.
    """
    return 0


@pytest.fixture
def reqleak(request: pytest.FixtureRequest) -> Reqleak:
    """`reqleak.check(app, requests)` raises when the app keeps memory; `.measure` does not raise.

    With `--no-reqleak` a test that calls either is skipped.
    """
    from pytest_reqleak.fixture import Reqleak
    from pytest_reqleak.recorders import Recorders

    item = request.node

    def record() -> Recorders:
        if _session(item.config).switch is False:
            pytest.skip("--no-reqleak: nothing is measured")
        return Recorders(item)

    return Reqleak(
        _sources(item),
        record=record,
        keep=lambda run: _keep(item, run),
        observe=lambda: _observe(item.config),
    )
