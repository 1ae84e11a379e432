"""An environment is made once, and completed where a later run needs more."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.leakbench import environments
from benchmarks.leakbench.case import CORPUS, read_cases
from benchmarks.leakbench.environments import Environments


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have been run; the answer is a version of Python."""
    made: list[list[str]] = []

    def call(command: list[str]) -> str:
        made.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True)
        return "3.12.1"

    monkeypatch.setattr(environments, "_call", call)
    return made


def installs(calls: list[list[str]]) -> int:
    return sum("install" in command for command in calls)


def test_a_second_run_uses_the_environment_of_the_first(tmp_path: Path, calls: list[list[str]]) -> None:
    case = read_cases(CORPUS, ("clean_window",))[0]
    Environments(tmp_path).get(case)
    Environments(tmp_path).get(case)

    assert 1 == installs(calls)


def test_a_tool_is_added_to_an_environment_and_stays_there(tmp_path: Path, calls: list[list[str]]) -> None:
    case = read_cases(CORPUS, ("clean_window",))[0]
    Environments(tmp_path).get(case)
    Environments(tmp_path, more=("psleak==0.1.6",)).get(case)
    Environments(tmp_path).get(case)

    assert 2 == installs(calls)
    assert "psleak==0.1.6" in calls[-2] or "psleak==0.1.6" in calls[-3]
    assert 1 == sum("venv" in command for command in calls)


def test_a_bug_of_one_python_is_not_looked_for_in_another(tmp_path: Path, calls: list[list[str]]) -> None:
    case = read_cases(CORPUS, ("lib_cpython_intern",))[0]

    with pytest.raises(environments.NoEnvironment, match=r"needs Python 3\.12\.1"):
        Environments(tmp_path).get(case)
