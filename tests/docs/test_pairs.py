"""Of each pair of examples on the pages of kinds the first leaks, as that kind, and the second does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

from page_blocks import blocks  # noqa: E402
from page_pairs import Pair, left_behind, pairs  # noqa: E402

from pytest_reqleak.analysis.category_rules import ENTRY_CATEGORIES, HOLDER_CATEGORIES, RULES  # noqa: E402

PAGES = [page.read_text("utf-8") for page in sorted((DOCS / "reference" / "categories").glob("*.md"))]
PAIRS = [pair for page in PAGES for pair in pairs(page)]
TOLD_BY_MORE = {
    "native memory": "a native tracer",
    "request data": "the requests that were sent",
    "context variable": "the way from the holder to a name",
}
"""Kinds that neither a stack nor the end of a holder's path tells, and what does."""


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.kind for pair in PAIRS])
def test_the_first_of_a_pair_leaks_and_the_second_does_not(pair: Pair, tmp_path: Path) -> None:
    leaks, mended = left_behind(pair, tmp_path, trace=pair.kind not in TOLD_BY_MORE)

    assert leaks.grows
    assert () == mended.moves
    if pair.kind not in TOLD_BY_MORE:
        assert pair.kind in leaks.kinds


def test_every_kind_has_a_pair() -> None:
    kinds = {rule.category.name for rule in RULES}
    kinds |= {category.name for _, category in HOLDER_CATEGORIES}
    kinds |= {category.name for category in ENTRY_CATEGORIES.values()}

    assert set() == kinds - {pair.kind for pair in PAIRS}
    assert set() == set(TOLD_BY_MORE) - {pair.kind for pair in PAIRS}


def test_every_page_has_one_whole_pair() -> None:
    roles = [[block.role for block in blocks(page)] for page in PAGES]

    assert [["setup", "leaks", "mended"]] * len(PAGES) == roles


def test_an_example_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        left_behind(Pair("none", "def view(): 1 / 0", "def view(): ..."), tmp_path, trace=False)


def test_a_pair_that_does_not_differ_is_seen(tmp_path: Path) -> None:
    source = "KEPT = []\ndef view(): KEPT.append(object())"

    leaks, mended = left_behind(Pair("none", source, source), tmp_path, trace=False)

    assert ("blocks", "blocks") == (leaks.grows[0], mended.moves[0])
