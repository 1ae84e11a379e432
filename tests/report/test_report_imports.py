from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "json",
        "files",
        "formats",
        "github",
        "terminal",
        "html",
        "markdown",
        "progress",
        "wording",
        "chart",
        "stream",
    ],
)
def test_a_report_loads_what_draws_it_when_it_draws(module: str) -> None:
    probe = (
        f"import sys, pytest_reqleak.report.{module}\n"
        "print(sorted({'rich', 'jinja2', 'psutil', 'pytest', 'httpx'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)

    assert ("", "[]\n") == (result.stderr, result.stdout)


def test_the_package_holds_the_schema_and_the_templates() -> None:
    from importlib import resources

    package = resources.files("pytest_reqleak.report")

    assert package.joinpath("schema/run-v1.json").is_file()
    for part in ("page.html", "run.html", "style.css", "page.js"):
        assert package.joinpath(f"templates/{part}").is_file()
