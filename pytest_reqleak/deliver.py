"""Where results go when all is measured: files, the summary of a CI step, the baseline.

Shared by the pytest session and the commands. Knows what was asked for; how a
form looks is the report's business, what is known the baseline's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_reqleak.report.formats import check_all_writable, write_all
from pytest_reqleak.report.github import annotation_lines, append_summary, is_github

if TYPE_CHECKING:
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.settings import Settings


def check_outputs(
    settings: Settings, places: Mapping[str, str], *, read: Mapping[str, str] | None = None
) -> None:
    """Find out, before anything is measured, whether the results can be delivered.

    Args:
        settings: What was asked for.
        places: How each setting was given, for messages.
        read: What is read besides the baseline, such as `the requests`, by its path.

    Raises:
        UsageError: A file cannot be written, or the baseline cannot be used; names the setting.
    """
    files, inputs = dict(settings.files), dict(read or {})
    if settings.baseline is not None:
        from pytest_reqleak.baseline.document import read_baseline
        from pytest_reqleak.errors import UsageError

        try:
            read_baseline(settings.baseline, may_be_missing=settings.baseline_update)
        except UsageError as error:
            raise UsageError(f"{places.get('baseline', '--baseline')}: {error}") from None
        if settings.baseline_update:
            files["baseline"] = settings.baseline
        else:
            inputs[settings.baseline] = "the baseline"
    if settings.plan.memray_capture is not None:
        files["memray_capture"] = settings.plan.memray_capture
    check_all_writable(files, places, read=inputs)


def deliver(runs: Sequence[Run], settings: Settings, *, session: bool = False) -> list[str]:
    """Write the runs into the files that were asked for.

    Args:
        runs: At least one.
        settings: What was asked for.
        session: Whether they are a pytest session's.

    Returns:
        The paths of the files.

    Raises:
        UsageError: A file cannot be written.
    """
    return write_all(settings.files, runs, session=session)


def add_to_summary(runs: Sequence[Run], settings: Settings) -> list[str]:
    """Add the runs to the summary of a step of GitHub Actions; elsewhere nothing is done.

    Returns:
        What to tell the user, a line each: that it cannot be written, which says nothing of the app.
    """
    if settings.github != "auto" or not is_github():
        return []
    from pytest_reqleak.errors import UsageError
    from pytest_reqleak.report.markdown import markdown_report

    try:
        append_summary(markdown_report(runs))
    except UsageError as error:
        return [str(error)]
    return []


def settle_baseline(runs: Sequence[Run], settings: Settings, *, session: bool = False) -> list[str]:
    """Update the baseline, or ask for it where the runs leave less than it knows, and name stale rules.

    Args:
        runs: At least one.
        settings: What was asked for.
        session: Whether they are a pytest session's, whose options have longer names.

    Returns:
        What to tell the user, a line each.

    Raises:
        UsageError: It cannot be written.
    """
    if settings.baseline is None:
        return []
    from pytest_reqleak.baseline.update import stale_notes, tighten_text, update_baseline

    stale = stale_notes(settings.baseline, runs)
    if settings.baseline_update:
        return [update_baseline(settings.baseline, runs), *stale]
    option = "--reqleak-baseline-update" if session else "--baseline-update"
    text = tighten_text(settings.baseline, runs, option=option)
    return [text, *stale] if text else stale


def ignored_notes(runs: Sequence[Run]) -> list[str]:
    """Name every rule of the baseline that matched, with its reason, so that none is forgotten."""
    seen: dict[str, int] = {}
    for run in runs:
        for rule in run.baseline.ignored if run.baseline is not None else ():
            text = f"ignored {rule.rule}: {rule.reason}"
            seen[text] = seen.get(text, 0) + 1
    return [f"{text} ({count} times)" if count > 1 else text for text, count in seen.items()]


def annotate(runs: Sequence[Run], settings: Settings) -> list[str]:
    """The lines that a job of GitHub Actions should find in its log; elsewhere none."""
    return annotation_lines(runs) if settings.github == "auto" and is_github() else []
