"""Run the commands that the READMEs and the pages show, and write what they print below them.

    python docs/refresh_output.py [--check] [FILE ...]

A shown command stands in a `console` block after the line `<!-- output -->`. Those
of the READMEs are run in the project's folder; a page of the documentation is run
from top to bottom in a folder of its own, with the files that it shows (see
`page_blocks`). `--check` runs nothing: it tells whether every such block has an output.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from page_blocks import Block, blocks, run_command, run_page

PROJECT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "examples/shop/README.md", "examples/flask_shop/README.md")


def pages() -> list[str]:
    """The pages of the documentation that show an output, by their names in the project."""
    found = sorted((PROJECT / "docs").rglob("*.md"))
    return [
        file.relative_to(PROJECT).as_posix()
        for file in found
        if "_build" not in file.parts
        and any(block.role == "output" for block in blocks(file.read_text("utf-8")))
    ]


def refreshed(text: str, *, in_project: bool) -> str:
    """The text with every shown output replaced by a new one."""
    with tempfile.TemporaryDirectory() as folder:
        if in_project:
            outputs = [
                (block, run_command(block.command, PROJECT))
                for block in blocks(text)
                if block.role == "output"
            ]
        else:
            outputs = list(run_page(text, Path(folder)))
    for block, printed in outputs:
        text = text.replace(_fenced(block, block.text), _fenced(block, f"$ {block.command}\n{printed}\n"), 1)
    return text


def _fenced(block: Block, text: str) -> str:
    return f"```{block.language}\n{text}```"


def without_output(text: str) -> list[str]:
    """The commands below which nothing stands."""
    return [block.command for block in blocks(text) if block.role == "output" and not block.shown.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the files, or look for commands without output."""
    parser = argparse.ArgumentParser(description="Refresh the output that the READMEs and the pages show.")
    parser.add_argument("--check", action="store_true", help="only look for commands without output")
    parser.add_argument("files", nargs="*", metavar="FILE")
    chosen = parser.parse_args(arguments)
    missing = []
    for name in chosen.files or [*READMES, *pages()]:
        file = PROJECT / name
        text = file.read_text("utf-8")
        if chosen.check:
            missing += [f"{name}: no output below: {command}" for command in without_output(text)]
        else:
            file.write_text(refreshed(text, in_project=name in READMES), "utf-8")
    for line in missing:
        print(line)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
