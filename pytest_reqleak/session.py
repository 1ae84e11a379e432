"""What one pytest session knows about its measuring: settings, booted apps, results.

Light, as `plugin` is. Results come with the tests' reports, so that under
pytest-xdist they reach the controller, which alone writes and prints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_reqleak.errors import UsageError
from pytest_reqleak.settings import given_in_ini, given_on_command_line, resolve

if TYPE_CHECKING:
    from pytest_reqleak.boots import Boots
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.settings import Given

SKIPPED, NOT_REPEATABLE = "skipped", "not repeatable"
"""Why a test was not measured, as its report says it."""

MOST_CLEAN_SHOWN = 10
"""Clean runs in the summary, unless `-v` asks for all."""


class Session:
    """Read when pytest is configured; registered as a plugin of its own for the hooks below."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the configuration and refuse what is wrong in it.

        Raises:
            UsageError: A setting is wrong.
        """
        file = config.inipath.name if config.inipath is not None else "ini"
        in_ini = given_in_ini(config.getini, file)
        if config.inipath is not None and "baseline" in in_ini:
            # It lies beside the configuration that names it, wherever pytest is run from.
            given = in_ini["baseline"]
            in_ini["baseline"] = given._replace(value=str(config.inipath.parent / str(given.value)))
        self.sources: tuple[Mapping[str, Given], ...] = (
            in_ini,
            given_on_command_line(lambda name: config.getoption(name, None)),
        )
        self.settings = resolve(self.sources)
        self.switch: bool | None = config.getoption("reqleak", None)
        """True: `--reqleak`, False: `--no-reqleak`, None: neither."""
        self.is_worker = hasattr(config, "workerinput")
        self._config = config
        self._boots: Boots | None = None
        # JSON texts by node id, phase and worker: a rerun replaces what it repeats.
        self._texts: dict[tuple[str, str, str], list[str]] = {}
        # Node ids by why nothing was measured.
        self._unmeasured: dict[str, set[str]] = {SKIPPED: set(), NOT_REPEATABLE: set()}
        self._notes: list[str] = []
        self._annotations: list[str] = []

    def boots(self) -> Boots:
        """The apps that tests have booted.

        No property: older versions of pluggy look at every attribute of a plugin,
        and this one imports a lot.
        """
        if self._boots is None:
            from pytest_reqleak.boots import Boots

            self._boots = Boots()
        return self._boots

    def writes(self) -> bool:
        """Whether this process writes the reports."""
        return not self.is_worker and not self._config.getoption("collectonly", False)

    def check_reports(self) -> None:
        """Find out, before any test runs, whether the reports can be written.

        Raises:
            UsageError: One cannot; names the setting.
        """
        settings = self.settings
        names = (*settings.files, settings.baseline, settings.plan.memray_capture)
        if not self.writes() or not any(names):
            return
        from pytest_reqleak.deliver import check_outputs

        check_outputs(
            settings, {name: given.place for source in self.sources for name, given in source.items()}
        )

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take the runs that came with a test's report, and notice tests that were not measured."""
        why = getattr(report, "reqleak_unmeasured", None)
        # A subtest's report has a context; the test itself goes on.
        if why is not None and not hasattr(report, "context"):
            self._unmeasured[why].add(report.nodeid)
        texts = getattr(report, "reqleak_runs", None)
        if texts:
            # With `--dist each` every worker of pytest-xdist runs the test.
            worker = getattr(report, "worker_id", "")
            self._texts[report.nodeid, report.when, worker] = list(texts)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports."""
        if not self.writes():
            return
        settings = self.settings
        if not self._texts:
            # Such as when the tests of one file are run that holds none of ours.
            self._notes += [
                f"nothing was measured, so {path!r} was not written" for path in settings.files.values()
            ]
            return
        from pytest_reqleak.deliver import add_to_summary, annotate, deliver, ignored_notes, settle_baseline

        runs = self._runs()
        self._annotations = annotate(runs, settings)
        self._notes += add_to_summary(runs, settings)
        try:
            self._notes += ignored_notes(runs) + settle_baseline(runs, settings, session=True)
            self._notes += [f"wrote {path}" for path in deliver(runs, settings, session=True)]
        except UsageError as error:
            # It could be written when the session began; nobody shall take the old file for the new one.
            self._notes.append(str(error))
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print one line per run, and what was written."""
        if self.is_worker:
            return
        if self._texts:
            for line in self._summary(terminalreporter):
                terminalreporter.write_line(line)
        for note in [*self._notes, *self._unmeasured_notes()]:
            terminalreporter.write_line(f"reqleak: {note}")
        for line in self._annotations:
            terminalreporter.write_line(line)

    def _unmeasured_notes(self) -> Iterator[str]:
        """Say how many tests were not measured, where the summary of pytest alone does not tell it."""
        skipped, not_repeatable = (len(node_ids) for node_ids in self._unmeasured.values())
        if skipped:
            tests = "1 test with no_leak was" if skipped == 1 else f"{skipped:,} tests with no_leak were"
            yield f"{tests} skipped, so nothing was measured there; -rs says why"
        if not_repeatable:
            tests = "1 test is" if not_repeatable == 1 else f"{not_repeatable:,} tests are"
            yield (
                f"{tests} not repeatable, as iteration 2 failed and iteration 1 passed: "
                "leave out what cannot be repeated with reqleak_off"
            )

    def _summary(self, reporter: Any) -> Iterator[str]:
        from pytest_reqleak.model.meter import Verdict
        from pytest_reqleak.report.summary import summary_lines

        verbosity = self._config.option.verbose
        runs = self._told_apart(self._runs())
        clean = [run for run in runs if run.verdict is Verdict.CLEAN]
        hidden = 0
        if verbosity < 1:
            kept = clean[:MOST_CLEAN_SHOWN] if verbosity == 0 else []
            hidden = len(clean) - len(kept)
            runs = [run for run in runs if run.verdict is not Verdict.CLEAN] + kept
        if not runs:
            return
        reporter.write_sep("=", "reqleak")
        file = reporter._tw._file
        yield from summary_lines(
            runs,
            width=reporter._tw.fullwidth,
            color=reporter._tw.hasmarkup,
            unicode=(getattr(file, "encoding", None) or "").lower().startswith("utf"),
        )
        if hidden:
            yield f"and {hidden} more that {'is' if hidden == 1 else 'are'} clean; -v shows them"

    def _told_apart(self, runs: list[Run]) -> list[Run]:
        """Name the machine where there are several, and the worker where each has run the same test."""
        machines = {run.environment.get("host", "") for run in runs}
        tests = [node_id for (node_id, _, _), texts in self._texts.items() for _ in texts]
        told = []
        for node_id, run in zip(tests, runs, strict=True):
            several = len({worker for test, _, worker in self._texts if test == node_id}) > 1
            names = [run.environment.get("worker", "")] if several else []
            names += [run.environment.get("host", "")] if len(machines) > 1 else []
            if names:
                title = f"{run.target} on {' of '.join(names)}"
                run = replace(run, target=title, test=title if run.test == run.target else run.test)
            told.append(run)
        return told

    def _runs(self) -> list[Run]:
        from pytest_reqleak.report.json import run_from_json

        return [run_from_json(json.loads(text)) for texts in self._texts.values() for text in texts]
