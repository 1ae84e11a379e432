from __future__ import annotations

import io

import pytest

from pytest_reqleak.report.stream import stream_abilities


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def file(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def test_a_terminal_gets_colours() -> None:
    can = stream_abilities(Terminal(), {"TERM": "xterm"})

    assert (True, True) == (can.is_terminal, can.color)


def test_a_pipe_gets_plain_text_of_80_columns() -> None:
    can = stream_abilities(file(), {"TERM": "xterm"})

    assert (False, False, 80) == (can.is_terminal, can.color, can.width)


@pytest.mark.parametrize(
    "environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}]
)
def test_a_user_can_switch_colours_off(environ: dict[str, str]) -> None:
    assert not stream_abilities(Terminal(), environ).color


def test_an_empty_no_color_means_nothing() -> None:
    assert stream_abilities(Terminal(), {"NO_COLOR": ""}).color


def test_a_user_can_force_colours_on_a_pipe() -> None:
    can = stream_abilities(file(), {"FORCE_COLOR": "1"})

    assert (False, True) == (can.is_terminal, can.color)


@pytest.mark.parametrize(("columns", "width"), [("100", 100), ("0", 80), ("wide", 80), ("", 80)])
def test_columns_sets_the_width(columns: str, width: int) -> None:
    assert width == stream_abilities(file(), {"COLUMNS": columns}).width


@pytest.mark.parametrize(
    ("encoding", "unicode"),
    [("utf-8", True), ("utf-16", True), ("latin-1", False), ("ascii", False), ("cp437", False)],
)
def test_blocks_are_drawn_where_the_encoding_has_them(encoding: str, unicode: bool) -> None:
    assert unicode == stream_abilities(file(encoding), {}).unicode


def test_a_closed_stream_is_no_terminal() -> None:
    stream = Terminal()
    closed = file()
    closed.close()

    assert not stream_abilities(closed, {}).is_terminal
    assert stream_abilities(stream, {}).is_terminal
