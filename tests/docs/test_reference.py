"""The reference is asked of the program: its commands for their help, its table for the settings."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from pytest_reqleak.cli import make_parser
from pytest_reqleak.options import OPTIONS

DOCS = Path(__file__).parents[2] / "docs"


def commands() -> list[str]:
    (chosen,) = [
        action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return sorted(chosen.choices)


def test_the_page_of_the_command_asks_each_command_for_its_help():
    asked = re.findall(r"^```\{live-help\} reqleak ?(.*)$", (DOCS / "reference/command.md").read_text(), re.M)

    assert ["", *commands()] == sorted(asked)


def test_the_reference_is_built_from_the_table_and_from_what_the_commands_print(tmp_path):
    build = pytest.importorskip("sphinx.cmd.build")
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(DOCS / '_ext')!r})\n"
        "extensions = ['myst_parser', 'live_help', 'option_list']\n"
    )
    (tmp_path / "index.md").write_text(
        "# All\n\n```{live-help} reqleak diff\n```\n\n```{option-list}\n```\n", "utf-8"
    )

    assert 0 == build.main(["-q", "-W", "-b", "text", str(tmp_path), str(tmp_path / "built")])

    built = (tmp_path / "built" / "index.txt").read_text("utf-8")
    assert "--tolerance PERCENT" in built
    assert [] == [option.name for option in OPTIONS if f"\n{option.name}\n" not in built.replace('"', "")]


@pytest.mark.parametrize("command", ["reqleak guess", "rm -r"])
def test_help_that_cannot_be_had_ends_the_build(command, tmp_path, capfd):
    build = pytest.importorskip("sphinx.cmd.build")
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(DOCS / '_ext')!r})\nextensions = ['myst_parser', 'live_help']\n"
    )
    (tmp_path / "index.md").write_text(f"# All\n\n```{{live-help}} {command}\n```\n", "utf-8")

    assert 0 != build.main(["-q", "-b", "text", str(tmp_path), str(tmp_path / "built")])
    assert "live-help" in capfd.readouterr().err
