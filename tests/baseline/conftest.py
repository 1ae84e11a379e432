from __future__ import annotations

import pytest
from leaky_runs import HOME


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs' files lie below a folder that is no real one."""
    monkeypatch.setattr("pytest_reqleak.report.paths.working_folder", lambda: HOME)
