"""Run a test's body again and again, each time through the same wrappers as ever.

Whatever `item.runtest` does is done in every pass: functions, methods, `async def`
tests of any plugin, `unittest` cases with their `setUp` and `tearDown`. What serves
a single pass only, such as a tracker of another plugin, serves the first.

Knows pytest's items and hooks; not what is measured.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

import pytest

from pytest_reqleak.errors import UsageError
from pytest_reqleak.iteration import UNREPEATABLE, Iteration

FIRST_PASS_ONLY = {
    "_pytest.debugging": "PdbTrace",
    "pytest_memray.plugin": "Manager",
}
"""Classes of plugins, by module, that wrap the call of a test's function and are made for a single one."""


class PassFailed(BaseException):
    """A pass failed in a way that pytest has noted already, and reports itself."""


class Passes:
    """The passes of one test; a context manager around all of them."""

    def __init__(self, item: pytest.Item, runtest: Callable[[], None]) -> None:
        """Take the test, set up.

        Args:
            item: The test.
            runtest: Its own `runtest`.
        """
        self._item: Any = item
        self._runtest = runtest
        self._iteration = Iteration(item)
        self._hooks = _Hooks(item)
        self._case = _Case(item) if isinstance(getattr(item, "instance", None), unittest.TestCase) else None
        self._function = getattr(item, "obj", None)

    def __enter__(self) -> Passes:
        self._hooks.install()
        return self

    def __exit__(self, *_: object) -> None:
        self._hooks.remove()
        self._iteration.restore()

    def run(self, number: int) -> None:
        """Make one pass.

        Args:
            number: Of the iteration, counted from 0; what `reqleak_iteration` says.

        Raises:
            PassFailed: It failed, and the item or a subtest's report has the error.
            UsageError: It is a coroutine that nobody runs.
            BaseException: What the body raised.
        """
        hooks, case = self._hooks, self._case
        hooks.number = number
        self._iteration.set(number)
        if number and case is not None:
            case.renew()
        try:
            self._runtest()
        except (pytest.skip.Exception, pytest.fail.Exception) as error:
            if number == 0 and str(error).startswith("async def function"):
                raise UsageError(
                    f"{self._item.nodeid} is a coroutine and no plugin runs it: install pytest-asyncio "
                    "or anyio, and mark the test with asyncio or anyio, or set asyncio_mode = auto"
                ) from None
            raise
        if case is not None:
            case.finish()
        noted = getattr(self._item, "_excinfo", None)
        if noted:
            note_pass(self._item, noted[-1].value, number)
        if hooks.failed or noted:
            raise PassFailed
        if not number:
            self._leave_first_pass()

    def _leave_first_pass(self) -> None:
        if self._hooks.traced:
            # A debugger steps through the first pass; it had put itself around the function.
            self._item.obj = self._function
            self._item.config.option.trace = False


class _Case:
    """A `unittest` case, whose passes shall each find what the fixtures have set up.

    `unittest` makes an instance per run; pytest makes one per test, on which
    fixtures may have set attributes.
    """

    def __init__(self, item: Any) -> None:
        self._item = item
        self._outer = dict(vars(item.instance))

    def renew(self) -> None:
        """Take away what the last pass has set on the instance."""
        own = vars(self._item.instance)
        own.clear()
        own.update(self._outer)

    def finish(self) -> None:
        """Tear down, where `--pdb` has put that off until after a look at a failure."""
        tear_down = getattr(self._item, "_explicit_tearDown", None)
        if tear_down is not None and not getattr(self._item, "_excinfo", None):
            self._item._explicit_tearDown = None
            tear_down()


class _Hooks:
    """Stands between the test and pytest's hooks, and keeps from them what repeats.

    A passing subtest is reported once, by the first pass: thousands of such reports
    would fill the screen, and the memory.
    """

    def __init__(self, item: Any) -> None:
        self._item = item
        self._session: Any = item.session
        self._relay: Any = item.ihook
        manager = item.config.pluginmanager
        single = [plugin for plugin in manager.get_plugins() if _is_first_pass_only(plugin)]
        self._later_call = manager.subset_hook_caller("pytest_pyfunc_call", single)
        self._subtests = [
            (value, name)
            for value in (getattr(item, "funcargs", None) or {}).values()
            for name in ("_ihook", "ihook")
            if type(value).__name__.lower() == "subtests" and hasattr(value, name)
        ]
        self.traced = bool(item.config.getoption("trace", False))
        self.number = 0
        """Of the pass that runs, counted from 0."""
        self.failed = False
        """Whether a subtest has failed."""

    def install(self) -> None:
        """Be the hooks of every node of the session, and of the `subtests` fixture."""
        self._session.gethookproxy = lambda path: self
        for fixture, name in self._subtests:
            setattr(fixture, name, self)

    def remove(self) -> None:
        """Put the session's own hooks back."""
        del self._session.gethookproxy
        for fixture, name in self._subtests:
            setattr(fixture, name, self._relay)
        if self.traced:
            self._item.config.option.trace = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._relay, name)

    def pytest_pyfunc_call(self, **arguments: Any) -> Any:
        """Call the test's function."""
        call = self._relay.pytest_pyfunc_call if not self.number else self._later_call
        return call(**arguments)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Pass on the report of a subtest that nobody has seen."""
        if report.failed:
            self.failed = True
            report.sections.append(("reqleak", told(self.number)))
        if not self.number or report.failed:
            self._relay.pytest_runtest_logreport(report=report)


def _is_first_pass_only(plugin: object) -> bool:
    kind = type(plugin)
    return FIRST_PASS_ONLY.get(kind.__module__) == kind.__name__


def note_pass(item: pytest.Item, error: BaseException, number: int) -> None:
    """Say in which pass a test has ended; nothing where it is skipped as a plain test would be.

    Args:
        item: The test.
        error: What the pass raised.
        number: Of the iteration, counted from 0.
    """
    if not isinstance(error, (pytest.skip.Exception, unittest.SkipTest)):
        item.stash[UNREPEATABLE] = number == 1
        add_note(item, error, told(number))
    elif number:
        add_note(item, error, f"skipped in iteration {number + 1:,}, the {number:,} before it passed")


def add_note(item: pytest.Item, error: BaseException, text: str) -> None:
    """Add a line to an exception, or to the test's report where exceptions have no notes."""
    add: Any = getattr(error, "add_note", None)
    if add is None:
        # Python 3.10 has no notes.
        item.add_report_section("call", "reqleak", text)
    else:
        add(f"reqleak: {text}")


def told(number: int) -> str:
    """Say which pass failed, and what that means.

    Args:
        number: Of the iteration, counted from 0; people count from 1.
    """
    if number == 0:
        return "iteration 1 of the repeated body failed"
    if number == 1:
        return (
            "iteration 2 failed, iteration 1 passed: the test is not repeatable. Its second pass meets what "
            "the first left behind: undo that at its end, use reqleak_iteration for data that must be new, "
            "measure single requests with reqleak.check(), or leave the test out with no_leak(False)"
        )
    return f"iteration {number + 1:,} of the repeated body failed, the {number:,} before it passed"
