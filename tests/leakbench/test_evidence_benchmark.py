"""The benchmark of evidence: what a run names is held against the truth of its case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import evidence
from benchmarks.evidence_truth import SURVIVING
from benchmarks.leakbench.case import CORPUS, Case, read_cases


def case(**changes: Any) -> Case:
    truth: dict[str, Any] = {
        "name": "pat_list",
        "file": Path("pat_list.py"),
        "interface": "asgi",
        "expected": "leak",
        "kind": "python-objects",
        "python": "3.12",
        "needs": (),
        "requests": ({"path": "/"},),
        "site": "remember",
    }
    return Case(**{**truth, **changes})


def run(*types: str, **changes: Any) -> dict[str, Any]:
    kinds = [{"type": name, "per_iteration": 1.0} for name in types]
    return {"verdict": "leak", "sites": [], "holders": [], "types": kinds, "explained": 1.0, **changes}


def test_type_is_right_by_the_last_part_of_its_name_among_the_first_three():
    assert evidence.names_type(("Order",), run("dict", "list", "shop.Order"))
    assert not evidence.names_type(("Order",), run("dict", "list", "cell", "shop.Order"))
    assert not evidence.names_type(("Order",), run("shop.OrderLine"))
    assert evidence.names_type((), run("dict")) is None


def test_what_is_no_leak_names_nothing():
    marks = evidence.score(case(), ("dict",), run("dict", verdict="inconclusive")).marks

    assert marks["type"] is False
    assert marks["explained"] is False


@pytest.mark.parametrize(
    ("kind", "figure", "other"),
    [("python-objects", "explained", "native caller"), ("native-malloc", "native caller", "explained")],
)
def test_leaks_of_c_code_are_scored_by_their_caller_and_others_by_what_is_explained(kind, figure, other):
    marks = evidence.score(case(kind=kind), (), run()).marks

    assert marks[figure] is not None
    assert marks[other] is None


def test_every_type_of_the_own_corpus_is_of_a_leak_that_is_there():
    leaks = {one.name for one in read_cases(CORPUS) if one.expected == "leak"}

    assert set() == SURVIVING.keys() - leaks


def test_kept_runs_are_scored_by_the_types_of_a_file(tmp_path, capsys):
    source = (
        "CASE = {'name': 'pat_a', 'interface': 'asgi', 'expected': 'leak', 'kind': 'x', 'python': '3.12',"
    )
    source += " 'kind': 'x', 'needs': [], 'requests': [{'path': '/'}], 'type': 'shop.Order'}"
    (tmp_path / "pat_a.py").write_text(source)
    (tmp_path / "pat_a.json").write_text(json.dumps(run("shop.Order")))
    types = tmp_path / "types.json"
    arguments = ["--corpus", str(tmp_path), "--kept", str(tmp_path)]

    types.write_text('{"pat_a": ["Line"]}')
    assert 1 == evidence.main([*arguments, "--types", str(types)])
    assert "0 of 1 (0%, wanted 90%)  pat_a" in capsys.readouterr().out
    assert 0 == evidence.main(arguments)
