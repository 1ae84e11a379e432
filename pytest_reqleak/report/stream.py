"""What a stream can show: columns, colours, characters beyond ASCII.

Knows streams and the environment's conventions; not reports.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from pytest_reqleak.report.sparkline import BLOCKS

DEFAULT_WIDTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """The settings with which `terminal_report` suits a stream."""

    is_terminal: bool
    """Whether a person watches, so that a line may be rewritten."""
    width: int
    color: bool
    unicode: bool


def stream_abilities(stream: TextIO, environ: Mapping[str, str] | None = None) -> Abilities:
    """Find out what a stream can show.

    `NO_COLOR` (no-color.org) and `TERM=dumb` switch colours off, `FORCE_COLOR` on
    where `NO_COLOR` is not set; a pipe gets none, and `DEFAULT_WIDTH` columns
    unless `COLUMNS` says otherwise.

    Args:
        stream: Where the report goes.
        environ: None: the process's own.
    """
    variables = os.environ if environ is None else environ
    watched = is_terminal(stream)
    dumb = variables.get("TERM") == "dumb"
    color = (watched and not dumb) or bool(variables.get("FORCE_COLOR"))
    return Abilities(
        is_terminal=watched and not dumb,
        width=_width(stream, variables, watched),
        color=color and not variables.get("NO_COLOR"),
        unicode=_carries_blocks(stream),
    )


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches the stream; False for one that is closed or only looks like a file."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError, OSError):
        return False


def _width(stream: TextIO, variables: Mapping[str, str], watched: bool) -> int:
    wanted = variables.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    if not watched:
        return DEFAULT_WIDTH
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except (AttributeError, ValueError, OSError):
        return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns


def _carries_blocks(stream: TextIO) -> bool:
    try:
        BLOCKS.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
