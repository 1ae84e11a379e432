"""Write what the stories print into a page, below the marks that ask for it.

    <!-- granian-case: middleware -->           the comparison of a story
    <!-- granian-case: middleware, granian -->  the report of the story's first subject of that label

A mark is followed by a fenced block, which is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_MARK = re.compile(
    r"<!-- granian-case: (?P<name>[^>]*?) -->\n\n?```text\n(?P<shown>.*?)^```$", re.MULTILINE | re.DOTALL
)

WIDTH = 88


def marked(text: str) -> Iterator[tuple[str, str]]:
    """What each mark asks for, and what stands below it now."""
    for found in _MARK.finditer(text):
        yield found["name"], found["shown"]


def write(page: Path, printed: Mapping[str, str]) -> list[str]:
    """Replace the blocks whose outputs are known, and return the names of the others.

    Args:
        page: Is rewritten in place.
        printed: Output by the name of its mark.
    """
    missing = []

    def replaced(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in printed:
            missing.append(name)
            return found[0]
        return f"<!-- granian-case: {name} -->\n```text\n{printed[name].rstrip()}\n```"

    page.write_text(_MARK.sub(replaced, page.read_text("utf-8")), "utf-8")
    return missing
