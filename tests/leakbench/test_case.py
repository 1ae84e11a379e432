"""leakbench reads cases without importing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.leakbench.case import BadCase, read_cases

LEAK = """
import a_package_that_is_not_installed
CASE = {"name": "lib_x", "interface": "asgi", "expected": "leak", "kind": "lib", "python": "3.12",
        "needs": ["x==1"], "fixed_needs": ["x==2"], "verify_n": 900, "holder": "module global X",
        "requests": [{"path": "/{i}"}, {"method": "POST", "path": "/up", "body": "{i}", "disconnect": True}]}
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "lib_x.py").write_text(LEAK)
    return tmp_path


def test_a_case_whose_packages_are_missing_here_is_read(corpus: Path) -> None:
    (case,) = read_cases(corpus)

    assert ("lib_x", "leak", ("x==1",)) == (case.name, case.expected, case.needs)


def test_the_fixed_twin_is_a_clean_case_of_its_own(corpus: Path) -> None:
    _, twin = read_cases(corpus, twins=True)

    assert ("lib_x+fixed", "clean", ("x==2",)) == (twin.name, twin.expected, twin.needs)


def test_requests_become_a_workload_that_takes_any_status(corpus: Path) -> None:
    (case,) = read_cases(corpus)

    assert [
        {"method": "GET", "path": "/{i}", "expect": "any"},
        {"method": "POST", "path": "/up", "expect": "any", "content": "{i}", "ending": "disconnect"},
    ] == case.workload()


def test_a_leak_is_measured_at_the_length_at_which_it_was_verified(corpus: Path) -> None:
    case, twin = read_cases(corpus, twins=True)

    assert 900 == case.iterations(None)
    assert 900 == case.iterations(5000)
    assert 500 == case.iterations(500)
    assert 2000 == twin.iterations(None)


def test_cases_are_chosen_by_pattern(corpus: Path) -> None:
    with pytest.raises(BadCase, match=r"holds no case that matches pat_\*"):
        read_cases(corpus, ("pat_*",))


def test_a_file_without_a_literal_case_is_refused_by_name(corpus: Path) -> None:
    (corpus / "broken.py").write_text("CASE = dict(name='x')\n")

    with pytest.raises(BadCase, match=r"broken\.py: CASE must be a literal dict"):
        read_cases(corpus)
