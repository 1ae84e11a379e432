from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.baseline.document import read_baseline, rounded, write_baseline
from pytest_reqleak.baseline.known import Baseline, Entry, Rule
from pytest_reqleak.errors import UsageError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
some = text.filter(str.strip)
figure = st.floats(0, 1e12).map(rounded)
entries = st.builds(
    Entry,
    bytes_per_iteration=figure,
    blocks_per_iteration=st.none() | figure,
    tolerance=st.none() | st.floats(0, 10),
    sites=st.dictionaries(text, figure, max_size=3),
    counts=st.dictionaries(text, figure, max_size=3),
    reason=text,
)
rules = st.one_of(
    st.builds(Rule, reason=some, site=some, endpoint=st.just("") | some),
    st.builds(Rule, reason=some, type=some),
    st.builds(Rule, reason=some, holder=some),
    st.builds(Rule, reason=some, endpoint=some),
)


@given(
    tolerance=st.floats(0, 10),
    made=st.lists(rules, max_size=3).map(tuple),
    known=st.dictionaries(text, entries, max_size=4),
)
def test_a_baseline_survives_its_file(tmp_path_factory: Any, tolerance: float, made: Any, known: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "baseline.json"
    baseline = Baseline(file=str(file), tolerance=tolerance, rules=made, known=known)
    write_baseline(file, baseline)

    found = read_baseline(file)

    assert (tolerance, made, known) == (found.tolerance, found.rules, found.known)


def test_entries_stand_in_the_order_of_their_names_with_one_figure_per_line(tmp_path: Path) -> None:
    known = {
        "b": Entry(bytes_per_iteration=123.456, sites={"y in f": 2.0, "x in f": 100.4321}),
        "a": Entry(bytes_per_iteration=2.0, counts={"threads": 1.0}, tolerance=0.5, reason="old"),
    }
    write_baseline(tmp_path / "b.json", Baseline(file="b.json", known=known))

    assert """{
  "baseline": 1,
  "tolerance": 0.2,
  "ignore": [],
  "known": {
    "a": {
      "bytes_per_iteration": 2,
      "tolerance": 0.5,
      "counts": {
        "threads": 1
      },
      "reason": "old"
    },
    "b": {
      "bytes_per_iteration": 123,
      "sites": {
        "x in f": 100,
        "y in f": 2
      }
    }
  }
}
""" == (tmp_path / "b.json").read_text()


def test_a_missing_file_is_empty_only_where_it_is_to_be_made(tmp_path: Path) -> None:
    assert {} == read_baseline(tmp_path / "b.json", may_be_missing=True).known
    with pytest.raises(UsageError, match=r"the baseline '.*b\.json' does not exist: make it with"):
        read_baseline(tmp_path / "b.json")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is no complete JSON"),
        ('{"baseline": 1, "kno', "is no complete JSON"),
        ("<<<<<<< HEAD\n{}", "holds the marks of an unfinished merge"),
        ("[]", "is no baseline of pytest-reqleak but something else: it has no 'baseline'"),
        ('{"schema": 1, "runs": []}', "is no baseline of pytest-reqleak but a report of a run"),
        ('{"schema": 1, "verdict": "leak"}', "but a report of a run"),
        ('{"schema": 1, "verdict": "leak", "baseline": {"standing": "known"}}', "but a report of a run"),
        ('{"baseline": 2}', "was written by a newer pytest-reqleak (version 2, this one reads up to 1)"),
        ('{"baseline": "x"}', 'baseline = "x": must be a whole number'),
        ('{"baseline": 1, "tolerance": "20 %"}', 'tolerance = "20 %": must be a number'),
        ('{"baseline": 1, "tolerance": -1}', "tolerance = -1: must be a share such as 0.2, which is 20 %"),
        ('{"baseline": 1, "knwon": {}}', "unknown field 'knwon'; did you mean 'known'?"),
        ('{"baseline": 1, "known": []}', "known = []: must be an object"),
        ('{"baseline": 1, "known": {"a": {}}}', "known.a: field 'bytes_per_iteration' is missing"),
        (
            '{"baseline": 1, "known": {"a": {"bytes_per_iteration": 1, "site": {}}}}',
            "known.a: unknown field 'site'; did you mean 'sites'?",
        ),
        ('{"baseline": 1, "ignore": {}}', "ignore = {}: must be a list"),
        (
            '{"baseline": 1, "ignore": [{"site": "x"}]}',
            "ignore[0]: field 'reason' is missing: say why this is ignored",
        ),
        ('{"baseline": 1, "ignore": [{"site": "x", "reason": " "}]}', "ignore[0]: field 'reason' is missing"),
        ('{"baseline": 1, "ignore": [{"reason": "x"}]}', "must name what to ignore: one of site, type"),
        (
            '{"baseline": 1, "ignore": [{"site": "", "reason": "x"}]}',
            'ignore[0].site = "": must be a pattern',
        ),
        (
            '{"baseline": 1, "ignore": [{"site": "a", "type": "b", "reason": "x"}]}',
            "must not name both site and type: write a rule for each",
        ),
        (
            '{"baseline": 1, "ignore": [{"sight": "a", "reason": "x"}]}',
            "ignore[0]: unknown field 'sight'; did you mean 'site'?",
        ),
        ("[" * 100_000, "is no"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(content: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(content)

    with pytest.raises(UsageError) as refusal:
        read_baseline(tmp_path / "b.json")

    assert complaint in str(refusal.value)
    assert "b.json" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_and_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match=r"cannot read the baseline '.*b\.json'"):
        read_baseline(tmp_path / "b.json")
    with pytest.raises(UsageError, match="it is a folder"):
        read_baseline(tmp_path)


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", Baseline(file="b", rules=(Rule(reason="größe", site="x"),)))

    document = json.loads((tmp_path / "b.json").read_text("utf-8"))
    assert [{"site": "x", "reason": "größe"}] == document["ignore"]
    assert "größe" in (tmp_path / "b.json").read_text("utf-8")
