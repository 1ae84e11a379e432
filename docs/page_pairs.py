"""The pairs of examples on the pages of kinds: the first of each leaks, as its kind, and the second does not.

An example is a module. What stands outside its function `view` is done once, at import; `view` is what
each request does. The comment `<!-- setup` above a pair is put before both; it has what they use,
and may define

    arguments(i)     the arguments of `view` by name, for request i
    visit(i)         what is called in place of `view`
    WINDOW = 20      how many requests make one of the five windows; 100 if it does not say
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from page_blocks import blocks, run_command

PROBE = Path(__file__).parent / "page_probe.py"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two examples below one heading."""

    kind: str
    """The title of its page."""
    leaks: str
    """A module, the setup included."""
    mended: str
    """Another."""


@dataclass(frozen=True, slots=True)
class Left:
    """What the requests of an example have left behind."""

    grows: tuple[str, ...]
    """Meters that rose in each window by as much as a thing for every other request."""
    moves: tuple[str, ...]
    """Meters that rose in each window by a fifth of that."""
    kinds: tuple[str, ...]
    """The categories of what was allocated and of what holds it; of a leak only."""


def pairs(page: str) -> Iterator[Pair]:
    """The pair of a page, where it has one."""
    found = {block.role: block.text for block in blocks(page)}
    if "leaks" in found or "mended" in found:
        setup = found.get("setup", "")
        yield Pair(
            page.partition("\n")[0].removeprefix("# "),
            f"{setup}\n\n{found['leaks']}",
            f"{setup}\n\n{found['mended']}",
        )


def left_behind(pair: Pair, folder: Path, *, trace: bool = True) -> tuple[Left, Left]:
    """Do what both examples do, again and again, each in a process of its own.

    Args:
        pair: The two.
        folder: Empty; where they are run.
        trace: Whether to look for the kinds of the first.

    Raises:
        RuntimeError: An example failed.
    """
    for name, source in (("leaks", pair.leaks), ("mended", pair.mended)):
        (folder / name).mkdir()
        (folder / name / "example.py").write_text(source, "utf-8")
        (folder / name / "kind.txt").write_text(pair.kind if trace and name == "leaks" else "", "utf-8")
    run_command(f"python -W ignore '{PROBE}' leaks mended", folder, codes=(0,))
    read = (json.loads((folder / name / "left.json").read_text("utf-8")) for name in ("leaks", "mended"))
    leaks, mended = (Left(*(tuple(found[name]) for name in ("grows", "moves", "kinds"))) for found in read)
    return leaks, mended
