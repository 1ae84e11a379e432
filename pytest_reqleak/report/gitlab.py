"""GitLab's code quality report: a list of lines that its merge requests show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.model.run import Run
from pytest_reqleak.report.line_notes import ERROR, WARNING, is_relative, line_notes

_SEVERITIES = {ERROR: "major", WARNING: "minor"}


def gitlab_report(runs: Sequence[Run], *, root: str | None = None) -> str:
    """Render runs for `artifacts:reports:codequality`.

    GitLab cannot show what has no file in the repository; where no line is known,
    the test's file stands for it, and a run without even that is left out.

    Args:
        runs: Of a session; none of them may grow, which makes an empty list.
        root: Folder of the repository; None: the working folder.
    """
    issues: list[dict[str, Any]] = [
        {
            "description": f"{note.title}: {note.text}",
            "check_name": f"reqleak-{note.rule}",
            "fingerprint": note.fingerprint,
            "severity": _SEVERITIES.get(note.level, "info"),
            "location": {"path": note.path, "lines": {"begin": note.line}},
        }
        for note in line_notes(runs, root=root)
        if is_relative(note.path)
    ]
    return json.dumps(issues, indent=2) + "\n"
