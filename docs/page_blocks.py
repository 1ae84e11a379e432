"""What the blocks of a page say, and what happens when they are run.

A page is a story told in blocks, run from top to bottom in an empty folder:

    <!-- file: shop/main.py -->      the block below is that file from here on
    <!-- output -->                  a `console` block: `$ ` and a command, then what it prints
    <!-- script -->                  a `python` block that is run as it stands

All other blocks are only read: Python is compiled, TOML, YAML and JSON are parsed,
and each command line of `reqleak` and `pytest` must use options that exist.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WIDTH = 88
COMMAND_SECONDS = 300

_BLOCK = re.compile(
    r"(?:^<!-- (?P<role>file|output|script)(?:: (?P<name>.*?))? -->\n\n?)?"
    r"^(?P<indent> *)```(?P<language>[\w{}-]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    """Without the fences and their indentation."""
    role: str | None
    """`file`, `output`, `script`, or None: it is only read."""
    name: str | None
    """The file's, where the role has one."""
    line: int
    """Where it begins in the page, from 1."""

    @property
    def command(self) -> str:
        """The shown command of an output block."""
        return self.text.split("\n", 1)[0].removeprefix("$ ")

    @property
    def shown(self) -> str:
        """The shown output of an output block."""
        return self.text.partition("\n")[2].rstrip("\n")


def blocks(page: str) -> Iterator[Block]:
    """All blocks of a page, in order."""
    for found in _BLOCK.finditer(page):
        indent = len(found["indent"])
        text = "".join(line[indent:] for line in found["text"].splitlines(keepends=True))
        line = page.count("\n", 0, found.start("language")) + 1
        yield Block(found["language"], text, found["role"], found["name"], line)


def write_file(folder: Path, block: Block) -> None:
    """Make the file that a block shows."""
    assert block.name is not None
    file = folder / block.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, "utf-8")


def run_command(command: str, folder: Path, *, codes: tuple[int, ...] = (0, 1)) -> str:
    """Run a shown command with bash, and return what it prints.

    Args:
        command: As a person types it.
        folder: Where it is run.
        codes: Exit codes that are no mistake of the page.

    Raises:
        RuntimeError: It ended with another code.
    """
    tools = str(Path(sys.executable).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={
            **kept,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": str(WIDTH),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            # A page tells its tests in the order in which they stand in their file.
            "PYTEST_ADDOPTS": "-p no:randomly -p no:cacheprovider",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode not in codes:
        raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    # A worker of pytest-xdist names the interpreter, wherever it lies.
    printed = done.stdout.replace(sys.executable, "python")
    return "\n".join(line.rstrip() for line in printed.rstrip().splitlines())


def run_page(page: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Live through a page in a folder of its own; yields each output block and what was printed."""
    for block in blocks(page):
        if block.role == "file":
            write_file(folder, block)
        elif block.role == "script":
            run_script(block, folder)
        elif block.role == "output":
            yield block, run_command(block.command, folder)


def run_script(block: Block, folder: Path) -> str:
    """Run a block of Python as a program; it fails the page if it fails."""
    file = folder / f"_block_{block.line}.py"
    file.write_text(block.text, "utf-8")
    return run_command(f"python -W error::SyntaxWarning {file.name}", folder, codes=(0,))
