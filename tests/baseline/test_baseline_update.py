from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from leaky_runs import clean, growth, leak, site

from pytest_reqleak.baseline.compare import baselined
from pytest_reqleak.baseline.document import read_baseline, write_baseline
from pytest_reqleak.baseline.known import Baseline, Entry, Rule
from pytest_reqleak.baseline.update import stale_notes, tighten_text, update_baseline
from pytest_reqleak.model.meter import Meter, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.standing import Standing

KEY = "shop.main:app: GET /orders/{i}"
KEEP = "shop/orders.py in keep"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "baseline.json"


def update(file: Path, *runs: Run) -> str:
    """Run a session with the option to update: each run is judged, then all are written."""
    known = read_baseline(file, may_be_missing=True)
    return update_baseline(file, [baselined(run, known, update=True) for run in runs])


def test_what_was_written_is_known_the_next_time(file: Path) -> None:
    run = leak(site(KEEP, 123.4567), growth=(growth(Meter.THREADS, 1.2345),))

    said = update(file, run)

    assert said.endswith("baseline.json: 1 added")
    found = baselined(run, read_baseline(file)).baseline
    assert found is not None
    assert Standing.KNOWN == found.standing


def test_an_update_without_change_leaves_the_file_as_it_was(file: Path) -> None:
    update(file, leak(site(KEEP, 500)))
    before = file.read_bytes()

    said = update(file, leak(site(KEEP, 530)))

    assert said.endswith("nothing to change")
    assert before == file.read_bytes()


def test_an_update_adds_the_blocks_that_an_older_file_does_not_know(file: Path) -> None:
    write_baseline(
        file, Baseline(file="b", known={KEY: Entry(bytes_per_iteration=500.0, sites={KEEP: 500.0})})
    )

    update(file, leak(site(KEEP, 530)))

    known = Entry(bytes_per_iteration=500.0, blocks_per_iteration=1.0, sites={KEEP: 500.0})
    assert {KEY: known} == read_baseline(file).known


def test_an_update_tightens_what_got_better_and_takes_out_what_was_mended(file: Path) -> None:
    other = leak(site(KEEP, 80), target="other:app")
    update(file, leak(site(KEEP, 500)), other)

    said = update(file, leak(site(KEEP, 100)), clean(target="other:app"))

    assert said.endswith("1 changed, 1 removed")
    assert {KEY: 100.0} == {
        key: entry.bytes_per_iteration for key, entry in read_baseline(file).known.items()
    }


def test_what_was_not_measured_stays(file: Path) -> None:
    update(file, leak(total=500), leak(total=80, target="other:app"))

    update(file, leak(total=900))

    assert {KEY, "other:app: GET /orders/{i}"} == set(read_baseline(file).known)


def test_a_person_s_words_and_tolerance_stay(file: Path) -> None:
    old = Entry(bytes_per_iteration=10.0, tolerance=0.7, reason="a library's")
    rule = Rule(site="x", reason="y")
    write_baseline(file, Baseline(file="b", tolerance=0.3, rules=(rule,), known={KEY: old}))

    update(file, leak(site(KEEP, 900)))

    found = read_baseline(file)
    assert (0.3, (rule,)) == (found.tolerance, found.rules)
    entry = found.known[KEY]
    assert (900.0, 0.7, "a library's") == (entry.bytes_per_iteration, entry.tolerance, entry.reason)


def test_what_a_rule_covers_is_not_written(file: Path) -> None:
    write_baseline(file, Baseline(file="b", rules=(Rule(site="shop/legacy/*", reason="old"),)))

    update(file, leak(site(KEEP, 300), site("shop/legacy/a.py in f", 200)), leak(total=1, target="x:app"))

    entry = read_baseline(file).known[KEY]
    assert (300.0, {KEEP: 300.0}) == (entry.bytes_per_iteration, entry.sites)


def test_what_rules_cover_wholly_has_no_entry(file: Path) -> None:
    rule = Rule(endpoint="GET /orders/*", reason="old")
    write_baseline(file, Baseline(file="b", rules=(rule,), known={KEY: Entry(bytes_per_iteration=9.0)}))

    update(file, leak(total=500))

    assert {} == read_baseline(file).known


def test_two_tests_of_one_workload_share_an_entry_that_allows_both(file: Path) -> None:
    one = leak(site(KEEP, 500), growth=(growth(Meter.THREADS, 1.0),), test="a")
    other = leak(site(KEEP, 700), site("shop/x.py in f", 100), test="b")

    update(file, one, other, clean(test="c"))

    entry = read_baseline(file).known[KEY]
    assert (800.0, {KEEP: 700.0, "shop/x.py in f": 100.0}, {"threads": 1.0}) == (
        entry.bytes_per_iteration,
        entry.sites,
        entry.counts,
    )


@pytest.mark.parametrize("other", [leak(total=50, test="b"), clean(test="b")], ids=["better", "clean"])
@pytest.mark.parametrize("known_first", [True, False])
def test_a_test_that_got_better_takes_nothing_from_one_of_the_same_workload(
    file: Path, other: Run, known_first: bool
) -> None:
    known = leak(total=100, test="a")
    update(file, known)
    before = file.read_bytes()

    said = update(file, *((known, other) if known_first else (other, known)))

    assert said.endswith("nothing to change")
    assert before == file.read_bytes()


def test_an_entry_of_a_run_that_was_not_traced_allows_every_site(file: Path) -> None:
    update(file, leak(site(KEEP, 500), test="a"), leak(total=500, test="b"))

    assert {} == read_baseline(file).known[KEY].sites


def test_a_run_without_a_verdict_changes_nothing(file: Path) -> None:
    update(file, leak(total=500))

    update(file, replace(leak(total=9000), verdict=Verdict.INCONCLUSIVE))

    assert 500.0 == read_baseline(file).known[KEY].bytes_per_iteration


def test_a_rule_that_matches_nothing_is_named(file: Path) -> None:
    rules = (
        Rule(site="shop/orders.py*", reason="old"),
        Rule(holder="shop.GONE", reason="old"),
        Rule(endpoint="GET /elsewhere", reason="old"),
    )
    other = Entry(bytes_per_iteration=9.0)
    write_baseline(file, Baseline(file="b", rules=rules, known={"other:app: GET /orders/{i}": other}))
    known = read_baseline(file)
    runs = [baselined(run, known) for run in (leak(site(KEEP, 500)), clean(target="other:app"))]

    (note,) = stale_notes(file, runs)

    assert note.endswith(
        "baseline.json: nothing that was measured matches the rule holder shop.GONE: "
        "take it out if it is no longer needed"
    )
    assert [] == stale_notes(file, runs[:1]), "not all that the file knows was measured"
    uncertain = replace(runs[0], verdict=Verdict.INCONCLUSIVE, baseline=None)
    assert [] == stale_notes(file, [uncertain, runs[1]])


def test_the_ratchet_asks_to_tighten_what_got_better(file: Path) -> None:
    update(file, leak(total=500), leak(total=80, target="other:app"))
    known = read_baseline(file)
    better = [baselined(run, known) for run in (leak(total=100), clean(target="other:app"))]

    asked = tighten_text(file, better, option="--baseline-update")

    assert asked.startswith("shop.main:app and 1 more got better than ")
    assert asked.endswith("baseline.json knows: tighten it with --baseline-update")
    assert "" == tighten_text(file, [baselined(leak(total=500), known)], option="--baseline-update")
