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
        self.sources: tuple[Mapping[str, Given], ...] = (
            given_in_ini(config.getini, file),
            given_on_command_line(lambda name: config.getoption(name, None)),
        )
        self.settings = resolve(self.sources)
        self.switch: bool | None = config.getoption("reqleak", None)
        """True: `--reqleak`, False: `--no-reqleak`, None: neither."""
        self.is_worker = hasattr(config, "workerinput")
        self._config = config
        self._boots: Boots | None = None
        # JSON texts by node id and phase: a rerun replaces what it repeats.
        self._texts: dict[tuple[str, str], list[str]] = {}
        self._notes: list[str] = []

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
        for name in ("json", "html"):
            path = getattr(self.settings, name)
            if path is not None and self.writes():
                from pytest_reqleak.report.files import check_writable

                place = [source[name].place for source in self.sources if name in source][-1]
                try:
                    check_writable(path)
                except UsageError as error:
                    raise UsageError(f"{place}: {error}") from None

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take the runs that came with a test's report."""
        texts = getattr(report, "reqleak_runs", None)
        if texts:
            self._texts[report.nodeid, report.when] = list(texts)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports."""
        settings = self.settings
        asked = [path for path in (settings.json, settings.html) if path is not None]
        if not self.writes() or not asked:
            return
        if not self._texts:
            # Such as when the tests of one file are run that holds none of ours.
            self._notes += [f"nothing was measured, so {path!r} was not written" for path in asked]
            return
        from pytest_reqleak.report.files import write_text
        from pytest_reqleak.report.json import write_runs

        try:
            if settings.json is not None:
                write_runs(settings.json, self._runs())
                self._notes.append(f"wrote {settings.json}")
            if settings.html is not None:
                from pytest_reqleak.report.html import html_report

                write_text(settings.html, html_report(self._runs()))
                self._notes.append(f"wrote {settings.html}")
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
        for note in self._notes:
            terminalreporter.write_line(f"reqleak: {note}")

    def _summary(self, reporter: Any) -> Iterator[str]:
        from pytest_reqleak.model.meter import Verdict
        from pytest_reqleak.report.terminal import summary_lines

        verbosity = self._config.option.verbose
        # Several tests may check one app; the table must tell them apart.
        runs = [
            replace(run, target=f"{run.target} in {node_id}") if run.requests else run
            for node_id, run in self._runs_by_test()
        ]
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

    def _runs(self) -> list[Run]:
        return [run for _, run in self._runs_by_test()]

    def _runs_by_test(self) -> list[tuple[str, Run]]:
        from pytest_reqleak.report.json import run_from_json

        return [
            (node_id, run_from_json(json.loads(text)))
            for (node_id, _), texts in self._texts.items()
            for text in texts
        ]
