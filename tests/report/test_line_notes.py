from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from run_strategies import runs
from sample_runs import (
    HOME,
    clean_run,
    inconclusive_run,
    known_run,
    native_run,
    pydantic_run,
    threads_run,
)

from pytest_reqleak.report.line_notes import LineNote, line_notes


def notes(*some: Any, root: str = HOME) -> list[LineNote]:
    return line_notes(some, root=root)


def test_each_telling_line_has_a_note_with_its_share() -> None:
    first, second = notes(pydantic_run())

    assert ("shop/orders.py", 11, "keep") == (first.path, first.line, first.function)
    assert first.text == (
        "352 B per request (4.0 blocks) allocated here (pydantic model) stay behind. "
        "Held by shop.orders.RECENT. Keep the order's id rather than the model, "
        "or bound the list with deque(maxlen=...). "
        "More: https://pytest-reqleak.readthedocs.io/en/latest/reference/categories/pydantic-model.html"
    )
    assert ("shop/signing.py", 27) == (second.path, second.line)


def test_a_line_names_the_holder_that_its_code_names() -> None:
    assert "Held by shop.signing.SEEN['v1']." in notes(pydantic_run())[1].text


def test_where_no_code_names_a_holder_all_are_named() -> None:
    run = pydantic_run()
    bare = replace(
        run,
        sites=tuple(
            replace(site, frames=tuple(replace(frame, code="") for frame in site.frames))
            for site in run.sites
        ),
    )

    assert "Held by shop.orders.RECENT or shop.signing.SEEN['v1']." in notes(bare)[0].text


def test_a_clean_run_has_none() -> None:
    assert [] == notes(clean_run())


def test_the_worst_comes_first() -> None:
    levels = [note.level for note in notes(known_run(), inconclusive_run(), threads_run())]

    assert ["error", "warning", "notice", "notice"] == levels


def test_where_nothing_was_traced_the_test_stands_for_the_line() -> None:
    (note,) = notes(replace(native_run(), test="tests/test_thumbs.py::TestThumbs::test_small[a/b]"))

    assert ("tests/test_thumbs.py", 1) == (note.path, note.line)
    assert "each request leaves 2.2 KiB of native memory behind" in note.text


def test_where_nothing_was_traced_the_apps_own_file_stands_for_the_line(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/main.py").touch()

    assert "shop/main.py" == notes(native_run(), root=str(tmp_path))[0].path


def test_an_app_whose_file_is_not_there_has_no_path() -> None:
    assert "" == notes(native_run())[0].path


def test_a_line_that_two_tests_blame_is_told_once_and_fails_if_one_fails() -> None:
    failing = replace(pydantic_run(), test="test_a.py::test_a", bytes_per_iteration=500.0)

    found = notes(known_run(), failing)

    assert ["error", "error"] == [note.level for note in found]
    both = {"shop.main:app in test_a.py::test_a", "shop.main:app in tests/test_shop.py::test_orders"}
    assert both == set(found[0].tests)
    assert "" == found[0].accepted


def test_the_users_line_inside_the_repository_is_preferred() -> None:
    run = pydantic_run()
    outside = replace(run.sites[0].frames[0], file="/opt/shared/helper.py")
    site = replace(run.sites[0], frames=(outside, *run.sites[0].frames[1:]))

    assert ("shop/main.py", 33) == ((note := notes(replace(run, sites=(site,)))[0]).path, note.line)


@given(some=st.lists(runs, max_size=4))
@settings(max_examples=60)
def test_no_two_notes_share_a_fingerprint_and_every_text_is_one_line(some: Any) -> None:
    found = line_notes(some, root=HOME)

    assert len(found) == len({note.fingerprint for note in found})
    assert all(note.line >= 1 and note.text.isprintable() for note in found)
