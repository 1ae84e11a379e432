from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from sample_runs import HOME

# How long an example takes says more about the machine than about us.
settings.register_profile("reports", deadline=None)
settings.load_profile("reports")

GOLDEN = Path(__file__).parents[1] / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regold", action="store_true", help="Write the golden files of reports again.")


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample runs' files lie below a folder that is no real one."""
    monkeypatch.setattr("pytest_reqleak.report.paths.working_folder", lambda: HOME)


@pytest.fixture
def matches_golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    def check(name: str, text: str) -> None:
        file = GOLDEN / name
        # The whole suite loads this file too late for its option to be known.
        if request.config.getoption("regold", False):
            file.write_text(text + "\n", encoding="utf-8", newline="\n")
        assert file.read_text(encoding="utf-8") == text + "\n"

    return check
