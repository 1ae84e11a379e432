"""Compare what reqleak said with the truth about a case.

Knows the JSON of a run and the case's own words; runs nothing. Names are
compared as whole words, so `up` is not found in `update`.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from benchmarks.leakbench.case import Case

FIRST_SITES = 3
FIRST_HOLDERS = 3
# The report shows the user's own frame first and then a few of the rest; deeper
# down the stack every endpoint is "found", which would prove nothing.
FIRST_FRAMES = 8

# Memory that no Python object holds: there is no holder to be named.
_NO_HOLDER = re.compile(
    r"refcount leak|\bnative\b|unfreed|never cleared|never freed|uncollected|cycle through|arena"
)
_WORD = re.compile(r"[A-Za-z_]\w*")


class Mark(str, Enum):
    """How a verdict compares with the truth."""

    HIT = "hit"
    CLEAN = "right"
    MISS = "MISS"
    FALSE_ALARM = "FALSE ALARM"
    UNSURE = "unsure"
    HONEST = "unsure, honestly"
    """A clean app that had not reached its plateau yet."""
    ERROR = "ERROR"


def mark(case: Case, verdict: str, requests: int | None) -> Mark:
    """How the verdict compares with the truth.

    Args:
        case: What is true.
        verdict: `clean`, `leak`, `inconclusive`, or `error`.
        requests: All that were sent; None: unknown.
    """
    if verdict == "inconclusive":
        before_plateau = case.plateau_at is not None and requests is not None and requests < case.plateau_at
        return Mark.HONEST if case.expected == "clean" and before_plateau else Mark.UNSURE
    if verdict == "leak":
        return Mark.HIT if case.expected == "leak" else Mark.FALSE_ALARM
    if verdict == "clean":
        return Mark.CLEAN if case.expected == "clean" else Mark.MISS
    return Mark.ERROR


def names_site(case: Case, run: dict[str, Any]) -> bool | None:
    """Whether one of the first sites shows the name that the case expects; None: it expects none."""
    if case.expected != "leak" or not case.site:
        return None
    name = re.compile(rf"(?<!\w){re.escape(case.site)}(?!\w)")
    return any(
        name.search(f"{frame.get('function', '')}\n{frame.get('code', '')}\n{frame.get('file', '')}")
        for site in run.get("sites", [])[:FIRST_SITES]
        for frame in site.get("frames", [])[:FIRST_FRAMES]
    )


def names_holder(case: Case, run: dict[str, Any]) -> bool | None:
    """Whether one of the first holders' paths has a name of the expected holder; None: there is none."""
    names = holder_names(case.holder)
    if case.expected != "leak" or not names:
        return None
    paths = [str(holder.get("path", "")) for holder in run.get("holders", [])[:FIRST_HOLDERS]]
    return any(names & set(_WORD.findall(path)) for path in paths)


def holder_names(words: str) -> frozenset[str]:
    """The identifiers in a description of a holder; empty where no Python object holds the memory.

    Of a dotted name the last part counts (`LOADER.cache_map`: `cache_map`), because
    a path may reach the same object from elsewhere.
    """
    if _NO_HOLDER.search(words) or words.startswith("none"):
        return frozenset()
    names = set()
    for dotted in re.findall(r"\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", words):
        last = dotted.rpartition(".")[2]
        if "." in dotted or "_" in last or last.isupper() or last == "threads":
            names.add(last)
    return frozenset(names)
