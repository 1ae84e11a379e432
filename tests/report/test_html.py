from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from run_strategies import runs
from sample_runs import (
    EVERY_RUN,
    STAGES,
    clean_run,
    hostile_run,
    inconclusive_run,
    pydantic_run,
    samples_of,
    threads_run,
)

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.meter import Phase
from pytest_reqleak.report.docs_links import DOCS
from pytest_reqleak.report.html import html_report, write_html

VOID = {"meta", "br", "input", "wbr"}
DRAWN = {"rect", "line", "path", "polygon"}


class Reader(HTMLParser):
    """Reads a page as strictly as a page that we wrote can be read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def count(self, tag: str, **wanted: str) -> int:
        return sum(
            name == tag and all((attrs.get(key) or "").split().count(value) for key, value in wanted.items())
            for name, attrs in self.tags
        )


@pytest.mark.parametrize("name", EVERY_RUN)
def test_the_page_of_any_run_is_well_formed(name) -> None:
    assert Reader(html_report([EVERY_RUN[name]()])).text


@given(run=runs)
@settings(max_examples=40)
def test_the_page_of_any_run_the_model_allows_is_well_formed(run) -> None:
    page = html_report([run, run])

    assert Reader(page).text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]", page)
    drawn = [value for tag, attrs in Reader(page).tags if tag in DRAWN for value in attrs.values()]
    assert not re.search(r"nan|inf", " ".join(filter(None, drawn)).replace("confirm", ""))


def test_the_page_says_what_the_terminal_says() -> None:
    text = Reader(html_report([pydantic_run()])).text

    for said in (
        "leak each request leaves 553 B (6.0 blocks) behind",
        "shop/orders.py:11 in keep (pydantic model), held by shop.orders.RECENT",
        "RECENT.append(Order(**fields))",
        "Keep the order's id rather than the model",
        "98 % of the growth",
        "shop.models.Order",
        "POST /orders",
        "Warm-up was cut after 200 iterations",
        "CPython 3.11.7",
        "reqleak check shop.main:app 'POST /orders' 'GET /orders/{i}' -n 2000 --server bundled",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        ("Give `cache<K>` a bound.", "Give <code>cache&lt;K&gt;</code> a bound."),
        ("An odd ` stays.", "An odd ` stays."),
    ],
)
def test_what_stands_between_backticks_of_a_remedy_is_shown_as_code(remedy, shown) -> None:
    run = pydantic_run()
    first = replace(run.sites[0], remedy=remedy)

    assert 2 == html_report([replace(run, sites=(first, *run.sites[1:]))]).count(shown)


def test_runs_of_a_session_that_are_no_tests_are_told_apart_by_their_requests() -> None:
    runs = [replace(clean_run(), test="", requests=(request,)) for request in ("GET /a", "GET /b")]

    listed = html_report(runs).partition("</table>")[0]

    assert [1, 1] == [listed.count("of GET /a"), listed.count("of GET /b")]


def test_every_meter_that_moves_has_a_chart_and_the_others_are_named() -> None:
    page = Reader(html_report([pydantic_run()]))

    assert 4 == page.count("svg")
    assert 1 == page.count("figure", **{"class": "wide"})
    assert "Never moved: descriptors 11, threads 3, tasks 0" in page.text


def test_the_stages_of_the_run_are_marked() -> None:
    page = Reader(html_report([pydantic_run()]))

    bands = [page.count("rect", **{"class": phase}) for phase in ("warmup", "confirm", "trace", "replay")]
    assert [4, 8, 4, 4] == bands


def test_the_growth_is_drawn_with_its_interval_where_it_has_one() -> None:
    page = Reader(html_report([inconclusive_run()]))

    assert [2, 1] == [page.count("line", **{"class": "line"}), page.count("polygon", **{"class": "fan"})]


@pytest.mark.parametrize("name", EVERY_RUN)
def test_the_page_needs_no_network_and_runs_no_script_but_its_own(name) -> None:
    page = html_report([EVERY_RUN[name](), clean_run()])
    reader = Reader(page)

    assert 0 == reader.count("link") + reader.count("img") + reader.count("iframe")
    assert not re.search(r"url\(|@import", page)
    for _, attrs in reader.tags:
        assert not [key for key in attrs if key.startswith("on") or key in ("src", "action", "xlink:href")]
        assert (attrs.get("href") or "#").startswith(("#", DOCS))
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policies = [attrs.get("content") for _, attrs in reader.tags if attrs.get("http-equiv")]
    assert [f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"] == policies


def test_hostile_names_are_shown_and_not_obeyed() -> None:
    page = html_report([hostile_run()])

    assert 1 == page.count("<script>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page
    assert r"\x1b[2J\x1b]0;owned\x07\u202egnp.\udc80\n" in Reader(page).text


def test_one_run_has_no_list_of_runs() -> None:
    page = Reader(html_report([pydantic_run()]))

    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert [DOCS + "reference/categories/pydantic-model.html"] == links
    assert 1 == page.count("h1")


def test_a_session_lists_its_runs_with_the_worst_first() -> None:
    page = Reader(html_report([clean_run(), pydantic_run(), threads_run()]))

    targets = [attrs["href"] for tag, attrs in page.tags if tag == "a" and attrs["href"].startswith("#")]
    ids = [f"#{attrs['id']}" for tag, attrs in page.tags if "id" in attrs]
    assert ["#run-1", "#run-2", "#run-3"] == targets == ids
    assert page.text.startswith("2 leaks, 1 clean")
    assert page.text.index("each iteration leaves") < page.text.index("each request leaves")


def test_in_a_session_only_clean_runs_are_folded() -> None:
    page = Reader(html_report([clean_run(), pydantic_run()]))

    folds = [
        "open" in attrs for tag, attrs in page.tags if tag == "details" and attrs.get("class") == "whole"
    ]
    assert [True, False] == folds


def test_a_page_of_ten_thousand_samples_stays_small() -> None:
    samples = samples_of(blocks=6, bytes_=553, stages=(STAGES[0], (Phase.MEASURE, 10_000, 10)))

    assert len(html_report([replace(pydantic_run(), samples=samples)])) < 250_000


def test_no_runs_are_no_page(tmp_path: Path) -> None:
    (tmp_path / "old.html").write_text("old")

    with pytest.raises(UsageError, match="nothing was measured"):
        write_html(tmp_path / "old.html", [])

    assert "old" == (tmp_path / "old.html").read_text()


def test_a_page_is_written_as_utf8(tmp_path: Path) -> None:
    write_html(tmp_path / "run.html", [replace(pydantic_run(), target="grüße\udc80")])

    assert "grüße" in (tmp_path / "run.html").read_text("utf-8")
