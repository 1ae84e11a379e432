import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch):
    """The sessions inside the tests add nothing to the log and the summary of the CI job they run in."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
