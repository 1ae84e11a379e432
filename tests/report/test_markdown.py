from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from run_strategies import runs, text
from sample_runs import EVERY_RUN, clean_run, hostile_run, known_run, native_run, pydantic_run, threads_run

from pytest_reqleak.errors import UsageError
from pytest_reqleak.report.docs_links import DOCS
from pytest_reqleak.report.github import MOST_SUMMARY_BYTES
from pytest_reqleak.report.markdown import MOST_ROWS, code, markdown_report, plain
from pytest_reqleak.report.page import printable

# The reader that GitHub's own comes closest to: CommonMark with tables.
MARKDOWN = MarkdownIt("commonmark").enable("table")
OUR_TAGS = re.compile(r"</?details( open)?>|<summary>[^<>]*</summary>")


def html_of(page: str) -> str:
    return MARKDOWN.render(page)


def inline(page: str) -> list[Any]:
    return [child for token in MARKDOWN.parse(page) for child in token.children or ()]


@pytest.mark.parametrize("name", EVERY_RUN)
def test_nothing_that_the_app_says_becomes_markup(name: str) -> None:
    page = markdown_report([EVERY_RUN[name](), clean_run(), hostile_run()])
    tokens = MARKDOWN.parse(page)

    assert not {"image", "html_inline"} & {token.type for token in inline(page)}
    links = [str(token.attrs["href"]) for token in inline(page) if token.type == "link_open"]
    assert all(link.startswith(DOCS) for link in links)
    for token in tokens:
        if token.type == "html_block":
            assert "" == OUR_TAGS.sub("", token.content).strip()
    assert 1 == sum(token.type == "table_open" for token in tokens)


@given(some=st.lists(runs, min_size=1, max_size=3))
@settings(max_examples=40)
def test_the_table_of_any_runs_has_a_row_of_four_cells_for_each(some: Any) -> None:
    tokens = MARKDOWN.parse(markdown_report(some))

    rows = sum(token.type == "tr_open" for token in tokens)
    cells = sum(token.type in ("td_open", "th_open") for token in tokens)
    assert len(some) + 1 == rows
    assert 4 * rows == cells


@given(said=text)
def test_plain_text_is_shown_as_it_is(said: str) -> None:
    shown = printable(said).strip()
    children = inline(f"x {plain(shown)} x")

    assert {"text", "text_special"} >= {token.type for token in children}
    assert f"x {shown} x".split() == "".join(token.content for token in children).split()


@given(said=text)
def test_code_is_shown_as_it_is(said: str) -> None:
    shown = printable(said).strip()
    spans = [token.content for token in inline(f"x {code(said)} x") if token.type == "code_inline"]

    assert [shown] == [span.strip() for span in spans]


def test_code_in_a_table_may_hold_bars() -> None:
    page = f"| a | b |\n|---|---|\n| {code('x | y', in_table=True)} | z |"

    assert "<code>x | y</code>" in html_of(page)


def test_a_leak_is_told_from_its_size_to_what_to_do() -> None:
    page = markdown_report([pydantic_run()])

    said = [
        "## reqleak: 1 leak",
        "| **leak** | 553 B | `shop.main:app` | `shop/orders.py:11 in keep` |",
        "**Each request leaves 553 B (6.0 blocks) behind.**",
        "live blocks    +6.0/request  ▁",
        f"- 352 B, [pydantic model]({DOCS}reference/categories/pydantic-model.html): "
        "`shop/orders.py:11 in keep`\n  `RECENT.append(Order(**fields))`",
        "- held by `shop.orders.RECENT`: list, 4,700 now",
        "- sent as `POST /orders`: 1.1 KiB behind",
        "1. Keep the order's id rather than the model",
        "Measure it again: `reqleak check shop.main:app",
    ]
    places = [page.index(part) for part in said]
    assert sorted(places) == places


def test_a_known_leak_names_the_baseline_and_the_rules() -> None:
    page = markdown_report([known_run()])

    assert page.startswith("## reqleak: 1 known leak\n")
    assert "Baseline `reqleak-baseline.json`: 553 B/request, as known" in page
    rule = "- ignored by rule `site shop/signing.py in sign` (goes away with the old signer): "
    assert f"{rule}`shop/signing.py in sign, 190 B/request`" in page


def test_in_a_session_what_fails_comes_first_and_is_open() -> None:
    page = markdown_report([clean_run(), known_run(), native_run(), threads_run()])

    assert page.startswith("## reqleak: 2 leaks, 1 known leak, 1 clean\n")
    folds = re.findall(r"<details( open)?><summary>(leak|known leak)", page)
    assert [(" open", "leak"), (" open", "leak"), ("", "known leak")] == folds


def test_a_long_session_stays_readable_and_below_what_github_takes() -> None:
    long = [replace(pydantic_run(), test=f"tests/test_shop.py::test_{n}") for n in range(500)]

    page = markdown_report(long)

    assert len(page.encode()) < MOST_SUMMARY_BYTES / 4
    assert f"and {500 - MOST_ROWS} more" in page
    assert "And 480 more in the table above." in page


def test_no_runs_are_no_summary() -> None:
    with pytest.raises(UsageError, match="nothing was measured"):
        markdown_report([])
