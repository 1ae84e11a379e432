"""What kind of thing is kept, told by the lines that allocated it, or by what holds it.

Of the rules that do not hold for a whole stack, those of the frame nearest to the allocation
decide, since it knows best what it makes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_reqleak.analysis.category import (
    APP_STATE,
    PYTHON,
    TRACEBACK,
    WARNINGS,
    Category,
)
from pytest_reqleak.analysis.category_rules import ENTRY_CATEGORIES, HOLDER_CATEGORIES, RULES, Rule
from pytest_reqleak.model.finding import Frame

_ON_STATE = re.compile(r"(^|\.)app\.state\.\w+$")


def categorize(frames: Sequence[Frame], rules: Sequence[Rule] = RULES) -> Category:
    """What the stack makes: by the rules that hold anywhere, else by the nearest frame that a rule knows.

    Args:
        frames: From the allocation outwards; only as far as they say what was made,
            which is up to the user's first own line.
        rules: In order of precedence, among those for the whole stack and for one frame.
    """
    for rule in rules:
        if rule.anywhere and any(rule.matches(frame) for frame in frames):
            return rule.category
    for frame in frames:
        for rule in rules:
            if not rule.anywhere and rule.matches(frame):
                return rule.category
    return PYTHON


def category_of_holder(path: str, entry: str = "") -> Category | None:
    """What a holder says about what it holds, where the lines say nothing.

    Args:
        path: Of the holder.
        entry: The type of what was added to it last.
    """
    name = entry.rpartition(".")[2]
    if name.endswith(("Error", "Exception", "ExceptionGroup")):
        return TRACEBACK
    if entry in ENTRY_CATEGORIES:
        return ENTRY_CATEGORIES[entry]
    for beginning, category in HOLDER_CATEGORIES:
        if path.startswith(beginning):
            return category
    if "__warningregistry__" in path:
        return WARNINGS
    # What hangs deeper belongs to a service that lives as long as the app.
    return APP_STATE if _ON_STATE.search(path) else None
