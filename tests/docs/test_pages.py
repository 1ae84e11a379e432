"""What the pages show is what happens: files are written, scripts and commands run, outputs compared."""

from __future__ import annotations

import ast
import json
import shlex
import sys
import textwrap
from pathlib import Path

import pytest

from pytest_reqleak.cli import make_parser
from pytest_reqleak.options import PYTEST, options_for

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "docs"))

from page_blocks import Block, blocks, run_page  # noqa: E402
from page_telling import missing_lines  # noqa: E402

PAGES = sorted(
    page.relative_to(PROJECT).as_posix()
    for ending in ("md", "inc")
    for page in (PROJECT / "docs").rglob(f"*.{ending}")
    if "_build" not in page.parts
)
READMES = ["README.md", "CONTRIBUTING.md", "examples/shop/README.md", "examples/flask_shop/README.md"]
NOT_RUN = {
    "CONTRIBUTING.md": 2,
    "docs/granian-case.md": 5,
    "docs/how-it-measures.md": 1,
    "docs/how-to/granian.md": 1,
    "docs/how-to/xdist.md": 1,
    "docs/integrations.md": 1,
    "docs/leakbench.md": 2,
    "docs/leakbench_own.inc": 1,
    "docs/leakbench_shared.inc": 1,
    "docs/leakbench_three.inc": 1,
    "docs/power.md": 2,
    "docs/quickstart.md": 1,
    "docs/tutorial.md": 1,
    "examples/flask_shop/README.md": 1,
    "examples/shop/README.md": 1,
}
"""How many blocks of each page no test can run: they need the package index, versions of old or hours."""


def text_of(name: str) -> str:
    return (PROJECT / name).read_text("utf-8")


def having(*roles: str, names: list[str]) -> list[str]:
    return [name for name in names if any(block.role in roles for block in blocks(text_of(name)))]


@pytest.mark.parametrize("name", having("output", "script", "run", names=PAGES))
def test_the_story_of_a_page_happens_as_it_is_told(name: str, tmp_path: Path) -> None:
    page = text_of(name)
    own = tuple(block.name for block in blocks(page) if block.role == "file" and block.name)

    for block, printed in run_page(page, tmp_path):
        assert [] == missing_lines(block.shown, printed, own), (
            f"{name}:{block.line} {block.command}\n{printed}"
        )
        assert block.shown.strip(), f"{name}:{block.line}: no output is shown"


@pytest.mark.parametrize("name", having("output", "script", "run", names=READMES))
def test_what_a_readme_shows_happens(name: str, tmp_path: Path) -> None:
    for block, printed in run_page(text_of(name), tmp_path, outputs_in=PROJECT, modules=PROJECT):
        assert [] == missing_lines(block.shown, printed, ("examples/",)), printed


@pytest.mark.parametrize("name", [*PAGES, *READMES])
def test_every_block_is_run_or_is_counted_among_those_that_cannot_be(name: str) -> None:
    found = [block for block in blocks(text_of(name)) if not block.language.startswith("{")]

    assert [] == [block.line for block in found if block.role is None]
    assert [] == [block.line for block in found if block.role == "not run" and not block.name]
    unrun = [block for block in found if block.role in ("not run", "granian-case")]
    assert NOT_RUN.get(name, 0) == len(unrun)


def test_a_file_that_a_page_shows_is_used_by_what_comes_after_it() -> None:
    for name in [*PAGES, *READMES]:
        roles = [block.role for block in blocks(text_of(name))]
        last_file = max((n for n, role in enumerate(roles) if role == "file"), default=-1)
        assert last_file < 0 or {"run", "output", "script"} & set(roles[last_file:]), name


def test_commands_of_the_readme_are_run_by_the_continuous_integration() -> None:
    named = [block.name for block in blocks(text_of("README.md")) if block.role == "command"]

    assert ["check", "tests"] == named
    script = PROJECT / ".ci" / "run"
    if script.exists():  # It is not part of the source distribution.
        assert all(f"readme_command {name})" in script.read_text("utf-8") for name in named)


@pytest.mark.parametrize("name", [*PAGES, *READMES])
def test_every_block_of_a_page_can_be_read(name: str) -> None:
    for block in blocks(text_of(name)):
        read = _READERS.get(block.language)
        if read is not None:
            read(block)
        elif block.language in ("console", "bash"):
            _check_commands(block)


def _compile(block: Block) -> None:
    # A fragment may use names that another block has defined, but it must be Python.
    ast.parse(textwrap.dedent(block.text))


def _read_toml(block: Block) -> None:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    assert tomllib.loads(block.text)


def _read_json(block: Block) -> None:
    assert json.loads(block.text)


def _read_yaml(block: Block) -> None:
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(block.text)


def _check_commands(block: Block) -> None:
    """Each command line of ours uses options that exist."""
    for line in block.text.splitlines():
        command = line.removeprefix("$ ").strip()
        if block.language == "console" and not line.startswith("$ "):
            continue
        words = shlex.split(command.split(";")[0].split(" | ")[0], comments=True)
        while words and "=" in words[0] and not words[0].startswith("-"):
            words = words[1:]
        if words[:3] == ["python", "-m", "pytest"]:
            words = words[2:]
        if words[:1] == ["reqleak"]:
            asked, rest = make_parser().parse_known_args(words[1:])
            assert [] == [word for word in rest if word.startswith("-")], line
            assert asked is not None
        elif words[:1] == ["pytest"]:
            known = {option.flag for option in options_for(PYTEST)} | {"--reqleak", "--no-reqleak"}
            ours = {word.split("=")[0] for word in words if word.startswith(("--reqleak", "--no-reqleak"))}
            assert set() == ours - known, line


_READERS = {"python": _compile, "toml": _read_toml, "json": _read_json, "yaml": _read_yaml}
