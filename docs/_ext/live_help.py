"""The directive `live-help`: what a command prints for `--help`, asked of the command itself.

```{live-help} reqleak check
```
"""

from __future__ import annotations

import os
import subprocess
import sys

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

WIDTH = 88


class LiveHelp(SphinxDirective):
    """A block with the command line that was run, and what it printed."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Run the command and show what it prints."""
        # A page that has not changed would keep the options of yesterday.
        self.env.note_reread()
        line = f"{self.arguments[0]} --help"
        text = f"$ {line}\n{help_of(self.arguments[0])}"
        block = nodes.literal_block(text, text, language="text", classes=["live-help"])
        return [block]


def help_of(command: str) -> str:
    """What a command of this project prints for `--help`, at the width of a page.

    Args:
        command: `reqleak`, or `reqleak` and the name of one of its commands.

    Raises:
        ExtensionError: It is no command of ours, or it failed.
    """
    program, *words = command.split()
    if program != "reqleak":
        raise ExtensionError(f"live-help: {command!r} is no command of this project")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_reqleak", *words, "--help"],
        env={**os.environ, "COLUMNS": str(WIDTH), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise ExtensionError(f"live-help: {command} --help ended with {done.returncode}: {done.stderr}")
    return done.stdout


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("live-help", LiveHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
