"""Run the commands that the READMEs show, and write what they print below them.

    python docs/refresh_output.py [--check] [FILE ...]

A shown command stands in a `console` block after the line `<!-- output -->`; the
block's first line is `$ ` and the command, which is run by bash in the project's
folder. `--check` runs nothing: it tells whether every such block has an output.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FILES = ("README.md", "examples/shop/README.md", "examples/flask_shop/README.md")
_BLOCK = re.compile(
    r"(?<=<!-- output -->\n)```console\n\$ (?P<command>.*)\n(?P<output>(?:.*\n)*?)```$", re.MULTILINE
)
_COMMAND_SECONDS = 300


def refreshed(text: str) -> str:
    """The text with every shown output replaced by a new one."""
    return _BLOCK.sub(lambda block: f"```console\n$ {block['command']}\n{_run(block['command'])}\n```", text)


def without_output(text: str) -> list[str]:
    """The commands below which nothing stands."""
    return [block["command"] for block in _BLOCK.finditer(text) if not block["output"].strip()]


def _run(command: str) -> str:
    tools = str(Path(sys.executable).parent)
    env = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "88",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=PROJECT,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command}: exit code {done.returncode}\n{done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the files, or look for commands without output."""
    parser = argparse.ArgumentParser(description="Refresh the output that the READMEs show.")
    parser.add_argument("--check", action="store_true", help="only look for commands without output")
    parser.add_argument("files", nargs="*", metavar="FILE", default=FILES)
    chosen = parser.parse_args(arguments)
    missing = []
    for name in chosen.files:
        file = PROJECT / name
        text = file.read_text("utf-8")
        if chosen.check:
            missing += [f"{name}: no output below: {command}" for command in without_output(text)]
        else:
            file.write_text(refreshed(text), "utf-8")
    for line in missing:
        print(line)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
