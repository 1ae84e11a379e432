"""Every form in which runs are written to a file, by the name of its option.

Knows the names and what renders each; the modules that render are imported
when they are asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.files import check_writable, write_text

FORMATS: Mapping[str, tuple[str, str]] = {
    "json": ("json", "json_report"),
    "html": ("html", "html_report"),
    "markdown": ("markdown", "markdown_report"),
    "junit": ("junit", "junit_report"),
    "gitlab": ("gitlab", "gitlab_report"),
    "sarif": ("sarif", "sarif_report"),
    "speedscope": ("speedscope", "speedscope_report"),
    "prometheus": ("prometheus", "prometheus_report"),
    "graph": ("graph", "graph_report"),
}
"""Module and function by the name of the option, such as `html` for `--html`."""


def render(name: str, runs: Sequence[Run], *, session: bool = False) -> str:
    """Render runs in one form.

    Args:
        name: Of the form.
        runs: Fresh or stored.
        session: Whether they are a session's, even where it is only one.

    Raises:
        UsageError: There is no run.
    """
    if not runs:
        raise UsageError("no run to show: nothing was measured")
    module, function = FORMATS[name]
    report: Callable[[Sequence[Run]], str] = getattr(
        import_module(f"pytest_reqleak.report.{module}"), function
    )
    if name == "json" and session:
        from pytest_reqleak.report.json import json_report

        return json_report(runs, session=True)
    return report(runs)


def check_all_writable(
    files: Mapping[str, str], places: Mapping[str, str], *, read: Mapping[str, str] | None = None
) -> None:
    """Find out, before a run is spent on it, whether every file could be written.

    Args:
        files: Paths by the name of the form.
        places: How each was asked for, for messages.
        read: What is read, such as `the requests`, by its path: no report takes its place.

    Raises:
        UsageError: One cannot, two forms share a file, or one would replace what is read; names the setting.
    """
    taken: dict[str, str] = {}
    inputs = {os.path.realpath(path): what for path, what in (read or {}).items()}
    for name, path in files.items():
        try:
            if name == "graph":
                from pytest_reqleak.report.graph import check_graph

                check_graph(path)
            check_writable(path)
        except UsageError as error:
            raise UsageError(f"{places.get(name, f'--{name}')}: {error}") from None
        whole = os.path.realpath(path)
        if whole in inputs:
            raise UsageError(
                f"{places.get(name, f'--{name}')}: {path!r} is the file of {inputs[whole]}, which a report "
                "would replace: name another one"
            )
        # A terminal or a pipe can take several.
        if whole in taken and not path.startswith("/dev/"):
            raise UsageError(
                f"{places.get(name, f'--{name}')}: {path!r} is already the file of {taken[whole]}: "
                "name another one"
            )
        taken[whole] = name


def write_all(files: Mapping[str, str], runs: Sequence[Run], *, session: bool = False) -> list[str]:
    """Write runs in every form that was asked for.

    All are rendered before the first is written, so that nothing is overwritten
    where one of them cannot be made.

    Returns:
        The paths, in the order in which they were written.

    Raises:
        UsageError: There is no run, or a file cannot be written.
    """
    # Two forms may have one terminal or pipe in common.
    texts = [(path, _content(name, path, runs, session=session)) for name, path in files.items()]
    for path, text in texts:
        write_text(path, text)
    return [path for path, _ in texts]


def _content(name: str, path: str, runs: Sequence[Run], *, session: bool) -> str:
    """What goes into one file; a picture has more than one form, by the ending of its name."""
    if name == "graph" and runs:
        from pytest_reqleak.report.graph import graph_file

        return graph_file(runs, path)
    return render(name, runs, session=session)
