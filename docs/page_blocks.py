"""What the blocks of a page say, and what happens when they are run.

A page is a story told in blocks, run from top to bottom in a folder of its own. The line above a
block says what it is:

    <!-- file: shop/main.py -->      the block is that file from here on
    <!-- output -->                  a `console` block: `$ ` and a command, then what it prints
    <!-- script -->                  a `python` block that is run as it stands
    <!-- run: -n 100 -->             commands, or the steps of a CI job, whose output is not shown; what
                                     follows the colon is added to those of ours, to make them short
    <!-- leaks --> <!-- mended -->   `python` that a request does again and again, see `page_pairs`
    <!-- command: check -->          a command of the README that `.ci/run` runs
    <!-- granian-case: middleware -->   what `python -m benchmarks.granian_case` prints
    <!-- not run: reason -->         it is only read; a test counts these

What a story needs and a reader does not stands in comments of several lines:

    <!-- hidden file: shop/main.py   a file
    <!-- hidden script               Python that is run
    <!-- hidden run                  commands
    <!-- setup                       what the pair of examples below it needs
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
WIDTH = 88
COMMAND_SECONDS = 300
ROLES = ("file", "output", "script", "run", "leaks", "mended", "command", "granian-case", "not run")

_BLOCK = re.compile(
    r"^<!-- (?P<hidden>hidden file|hidden script|hidden run|setup)(?:: (?P<hidden_name>[^\n]*))?\n"
    r"(?P<hidden_text>.*?)^-->$"
    rf"|(?:^<!-- (?P<role>{'|'.join(ROLES)})(?:: (?P<name>[^\n]*?))? -->\n\n?)?"
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page, or one that only its tests see."""

    language: str
    """Empty where the block has none, and of one that is hidden."""
    text: str
    """Without the fences and their indentation."""
    role: str | None
    """One of `ROLES`, `setup`, or None: the page does not say."""
    name: str | None
    """What follows the colon."""
    line: int
    """Where it begins in the page, from 1."""
    hidden: bool = False

    @property
    def command(self) -> str:
        """The shown command of an output block."""
        return self.text.split("\n", 1)[0].removeprefix("$ ")

    @property
    def shown(self) -> str:
        """The shown output of an output block."""
        return self.text.partition("\n")[2].rstrip("\n")

    @property
    def commands(self) -> list[str]:
        """The commands of a block that is run: its lines, or the steps of the jobs that it describes."""
        if self.language == "yaml":
            import yaml

            return list(_steps(yaml.safe_load(self.text)))
        lines = (line.removeprefix("$ ").strip() for line in self.text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]


def blocks(page: str) -> Iterator[Block]:
    """All blocks of a page, in order."""
    for found in _BLOCK.finditer(page):
        line = page.count("\n", 0, found.start("language") if found["fence"] else found.start()) + 1
        if found["hidden"]:
            role = found["hidden"].removeprefix("hidden ")
            yield Block("", found["hidden_text"], role, found["hidden_name"], line, hidden=True)
            continue
        indent = len(found["indent"])
        text = "".join(line[indent:] for line in found["text"].splitlines(keepends=True))
        yield Block(found["language"], text, found["role"], found["name"], line)


def write_file(folder: Path, block: Block) -> None:
    """Make the file that a block shows."""
    assert block.name is not None
    file = folder / block.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, "utf-8")


def run_command(
    command: str, folder: Path, *, codes: tuple[int, ...] = (0, 1), modules: Path | None = None
) -> str:
    """Run a shown command with bash, and return what it prints.

    Args:
        command: As a person types it.
        folder: Where it is run.
        codes: Exit codes that are no mistake of the page.
        modules: A further folder to import from.

    Raises:
        RuntimeError: It ended with another code.
    """
    tools = str(Path(sys.executable).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    paths = [str(modules)] if modules else []
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={
            **kept,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])]),
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


def run_page(
    page: str, folder: Path, *, outputs_in: Path | None = None, modules: Path | None = None
) -> Iterator[tuple[Block, str]]:
    """Live through a page in a folder of its own; yields each output block and what was printed.

    Args:
        page: Its text.
        folder: Empty; where all of it happens.
        outputs_in: Where the commands whose output is shown are run, if elsewhere.
        modules: A further folder to import from.

    Raises:
        RuntimeError: A script or a command failed.
    """
    for block in blocks(page):
        if block.role == "file":
            write_file(folder, block)
        elif block.role == "script":
            run_script(block, folder)
        elif block.role == "run":
            # A check that a reader does not see is there to pass.
            codes = (0,) if block.hidden else (0, 1)
            for command in block.commands:
                run_command(shortened(command, block.name or ""), folder, codes=codes, modules=modules)
        elif block.role == "output":
            yield block, run_command(block.command, outputs_in or folder, modules=modules)


def run_script(block: Block, folder: Path) -> str:
    """Run a block of Python as a program; it fails the page if it fails."""
    file = folder / f"_block_{block.line}.py"
    file.write_text(block.text, "utf-8")
    return run_command(f"python -W error::SyntaxWarning {file.name}", folder, codes=(0,))


def shortened(command: str, arguments: str) -> str:
    """A command with more arguments, where it is one that measures."""
    words = command.split()
    measures = "pytest" in words or words[:2] in (["reqleak", "check"], ["reqleak", "compare"])
    return (
        f"{shlex.join(shlex.split(command, comments=True))} {arguments}"
        if measures and arguments
        else command
    )


def _steps(document: Any) -> Iterator[str]:
    """The commands of the jobs that a file of GitHub Actions or GitLab describes, but for installing."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("run", "script"):
                lines = value if isinstance(value, list) else value.splitlines()
                yield from (line for line in lines if not line.startswith(("pip ", "python -m pip ")))
            else:
                yield from _steps(value)
    elif isinstance(document, list):
        for each in document:
            yield from _steps(each)
