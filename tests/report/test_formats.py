from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sample_runs import clean_run, pydantic_run

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.finding import Caveat
from pytest_reqleak.options import FILE_FORMATS
from pytest_reqleak.report.formats import FORMATS, check_all_writable, render, write_all


def test_every_option_that_names_a_file_has_a_form() -> None:
    assert FILE_FORMATS == tuple(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_every_form_renders_a_run_and_a_session(name: str) -> None:
    for runs in ([pydantic_run()], [pydantic_run(), clean_run()]):
        text = render(name, runs)

        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert len(text) > 2


@pytest.mark.parametrize("name", FORMATS)
def test_no_form_is_made_of_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")

    with pytest.raises(UsageError, match="nothing was measured"):
        write_all({name: str(tmp_path / "old")}, [])

    assert "old" == (tmp_path / "old").read_text()


def test_one_run_of_a_session_is_still_a_session() -> None:
    assert "runs" in json.loads(render("json", [clean_run()], session=True))
    assert "runs" not in json.loads(render("json", [clean_run()]))


def test_nothing_is_overwritten_where_one_form_cannot_be_made(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "old.json").write_text("old")
    monkeypatch.setattr("pytest_reqleak.report.html.html_report", lambda runs: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        write_all({"json": str(tmp_path / "old.json"), "html": str(tmp_path / "new.html")}, [clean_run()])

    assert "old" == (tmp_path / "old.json").read_text()


def test_two_forms_to_one_device_are_both_written(monkeypatch) -> None:
    written: list[tuple[str, str]] = []
    monkeypatch.setattr("pytest_reqleak.report.formats.write_text", lambda *args: written.append(args))

    paths = write_all({"json": "/dev/stdout", "markdown": "/dev/stdout"}, [clean_run()])

    assert ["/dev/stdout", "/dev/stdout"] == paths
    assert [render("json", [clean_run()]), render("markdown", [clean_run()])] == [text for _, text in written]


def test_a_folder_is_refused_with_the_setting_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^reqleak_sarif = 'x' \(tox.ini\): cannot write '.*: it is a folder"
    ):
        check_all_writable({"sarif": str(tmp_path)}, {"sarif": "reqleak_sarif = 'x' (tox.ini)"})


def test_two_forms_cannot_share_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "report")

    with pytest.raises(
        UsageError, match=r"^--html: '.*report' is already the file of json: name another one"
    ):
        check_all_writable({"json": path, "html": path}, {})


def test_two_forms_may_share_a_terminal() -> None:
    check_all_writable({"json": "/dev/null", "html": "/dev/null"}, {})


@pytest.mark.parametrize("form", ["html", "markdown", "graph"])
def test_what_was_estimated_is_not_told_as_measured(form):
    untraced = Caveat(slug="bytes-estimated", text="No tracer ran.")
    text = str(render(form, [replace(pydantic_run(), caveats=(untraced,))]))

    assert "about 553 B" in text
