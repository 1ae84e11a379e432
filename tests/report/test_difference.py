from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_strategies import runs
from sample_runs import clean_run, growths_of, native_run, pydantic_run, threads_run

from pytest_reqleak.model.run import Run
from pytest_reqleak.report.difference import Difference, difference_report, differences


def scaled(run: Run, factor: float, *, sites: slice = slice(None)) -> Run:
    """The run with some of its sites larger, and its total with them."""
    grown = [
        replace(site, bytes_per_iteration=site.bytes_per_iteration * factor)
        if site in run.sites[sites]
        else site
        for site in run.sites
    ]
    more = sum(
        new.bytes_per_iteration - old.bytes_per_iteration for new, old in zip(grown, run.sites, strict=True)
    )
    return replace(run, sites=tuple(grown), bytes_per_iteration=run.bytes_per_iteration + more)


def only(before: Run, after: Run, **options: Any) -> Difference:
    (found,) = differences([before], [after], **options)
    return found


def test_what_stayed_as_it_was_is_neither() -> None:
    found = only(pydantic_run(), pydantic_run())

    assert (False, False, (), ()) == (found.is_worse, found.is_better, found.worse, found.better)
    assert "1 as before" == difference_report([found])


def test_what_got_worse_is_named_by_site_with_both_figures() -> None:
    found = only(pydantic_run(), scaled(pydantic_run(), 2, sites=slice(0, 1)))

    assert found.is_worse
    assert ["bytes per request", "at shop/orders.py in keep"] == [change.name for change in found.worse]
    assert "352 B → 704 B (+352 B)" == found.worse[1].text


def test_it_got_better_the_other_way_round() -> None:
    found = only(scaled(pydantic_run(), 2), pydantic_run())

    assert (False, True) == (found.is_worse, found.is_better)
    assert "1.1 KiB → 553 B (-542 B)" == found.better[0].text


def test_a_new_site_is_worse_though_an_old_one_was_mended() -> None:
    before = replace(pydantic_run(), sites=pydantic_run().sites[:1])
    elsewhere = replace(before.sites[0], frames=pydantic_run().sites[1].frames)

    found = only(before, replace(before, sites=(elsewhere,)))

    assert found.is_worse
    assert ["at shop/signing.py in sign"] == [change.name for change in found.worse]
    assert ["at shop/orders.py in keep"] == [change.name for change in found.better]


@pytest.mark.parametrize(("factor", "worse"), [(1.05, False), (1.2, True)])
def test_small_changes_are_none(factor: float, worse: bool) -> None:
    assert worse == only(pydantic_run(), scaled(pydantic_run(), factor)).is_worse


def test_how_small_can_be_said() -> None:
    assert only(pydantic_run(), scaled(pydantic_run(), 1.05), tolerance=0.01).is_worse
    assert not only(pydantic_run(), scaled(pydantic_run(), 1.3), tolerance=0.5).is_worse


def test_a_line_that_moved_and_another_checkout_are_no_change() -> None:
    run = pydantic_run()
    moved = replace(
        run,
        sites=tuple(
            replace(
                site,
                frames=tuple(
                    replace(frame, line=frame.line + 5, file=frame.file.replace("/home/ann", "/runner/work"))
                    for frame in site.frames
                ),
            )
            for site in run.sites
        ),
    )

    found = only(run, moved)

    assert ((), ()) == (found.worse, found.better)


def test_sites_are_not_compared_where_one_run_was_not_traced() -> None:
    found = only(replace(pydantic_run(), sites=(), explained=None), pydantic_run())

    assert not found.is_worse


def test_threads_count_though_the_bytes_do_not() -> None:
    calm = replace(threads_run(), growth=growths_of(live_blocks=(31.0, 0.4)))

    found = only(calm, threads_run())

    assert found.is_worse
    assert ["threads per iteration: 0.0 → 1.0 (+1.0)"] == [
        f"{each.name}: {each.text}" for each in found.worse
    ]


def test_a_leak_where_nothing_leaked_is_worse_and_the_other_way_round_better() -> None:
    assert only(clean_run(), native_run()).is_worse
    assert only(native_run(), clean_run()).is_better


def test_the_runs_of_two_sessions_are_matched_by_name() -> None:
    a, b, c = (replace(pydantic_run(), test=f"test_{name}.py::test") for name in "abc")
    new = replace(native_run(), test="test_new.py::test")

    found = differences([a, b, c], [new, scaled(c, 2), a])

    assert ["worse", "worse", "same", "gone"] == [
        "worse" if each.is_worse else "gone" if each.after is None else "same" for each in found
    ]
    text = difference_report(found)
    assert "WORSE: shop.main:app in test_new.py::test (POST /thumbnails)" in " ".join(text.split())
    assert "new, and each request leaves 2.2 KiB of native memory behind" in " ".join(text.split())
    assert "only in the first: shop.main:app in test_b.py::test" in " ".join(text.split())
    assert text.endswith("\n2 worse, 1 as before")


def test_what_is_new_and_clean_is_not_worse() -> None:
    found = differences([pydantic_run(), native_run()], [pydantic_run(), native_run(), clean_run()])

    assert not any(each.is_worse for each in found)
    assert "only in the second: shop.main:app (GET /orders/{i}) (clean)" in difference_report(found)


@given(before=st.lists(runs, max_size=3), after=st.lists(runs, max_size=3))
@settings(max_examples=60)
def test_any_runs_the_model_allows_can_be_compared(before: Any, after: Any) -> None:
    text = difference_report(differences(before, after), width=60, unicode=False)

    assert text.isascii()
    assert all(len(line) <= 60 for line in text.splitlines())
