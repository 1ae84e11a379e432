from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pytest_reqleak.report.page import Page, printable


def page(width: int = 20, *, unicode: bool = True) -> Page:
    return Page(width=width, color=False, unicode=unicode)


def test_a_long_line_is_cut_with_a_mark() -> None:
    sheet = page()
    sheet.line("0123456789012345678901234")

    assert "0123456789012345678…" == sheet.text()


def test_a_wide_character_is_never_halved() -> None:
    sheet = page()
    sheet.line("a" + "目" * 12)

    assert "a" + "目" * 9 + "…" == sheet.text()


def test_a_path_loses_its_beginning() -> None:
    assert "…op/orders.py:11" == page().cut_head("/home/ann/shop/orders.py:11", 16)


def test_words_are_wrapped_with_a_hanging_indent() -> None:
    sheet = page()
    sheet.paragraph("one two three four five six", indent=2, hang=2)

    assert ["  one two three four", "    five six"] == sheet.text().split("\n")


def test_a_number_stays_with_its_unit() -> None:
    sheet = page()
    sheet.paragraph("it took all of 2.5 s (more than 16 KiB) to end")

    assert ["it took all of 2.5 s", "(more than 16 KiB)", "to end"] == sheet.text().split("\n")


def test_a_word_wider_than_the_page_is_broken() -> None:
    sheet = page()
    sheet.paragraph("x" * 45)

    assert ["x" * 20, "x" * 20, "x" * 5] == sheet.text().split("\n")


def test_blank_lines_do_not_pile_up() -> None:
    sheet = page()
    for _ in range(3):
        sheet.blank()
    sheet.line("a")
    sheet.blank()
    sheet.blank()
    sheet.line("b")
    sheet.blank()

    assert "a\n\nb" == sheet.text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\tb", "a b"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb", r"a\nb"),
        ("\u202e", r"\u202e"),
        ("\udc80", r"\udc80"),
        ("Grüße 目", "Grüße 目"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert shown == printable(text)


def test_signs_beyond_ascii_get_twins_or_escapes() -> None:
    assert r"a -> b... \xfc" == page(unicode=False).safe("a → b… ü")


@given(text=st.text(st.characters(codec=None)), width=st.integers(1, 60), indent=st.integers(0, 8))
def test_a_paragraph_never_leaves_the_page(text: str, width: int, indent: int) -> None:
    sheet = page(width)
    sheet.paragraph(text, indent=indent, hang=2)

    assert all(cell_len(line) <= max(width, 20) for line in sheet.text().split("\n"))


@given(words=st.lists(st.text("abc", min_size=1, max_size=9), max_size=30))
def test_a_paragraph_loses_no_word(words: list[str]) -> None:
    sheet = page(30)
    sheet.paragraph(" ".join(words), hang=4)

    assert words == sheet.text().split()
