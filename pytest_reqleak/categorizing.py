"""Let others say what kind of memory a site keeps: a hook of pytest, or an entry point.

The built-in table is `analysis.category_rules`; here is who may overrule it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pytest_reqleak.errors import UsageError

if TYPE_CHECKING:
    from pytest_reqleak.model.finding import Site
    from pytest_reqleak.model.run import Run

ENTRY_POINTS = "reqleak.categorize"
"""Group of the entry points; each is a function with the arguments of the hook."""

Judge = Callable[..., Any]
"""Called with `frames` and `category` by name; gives a name and a remedy, or None."""


def categorized(run: Run, hook: Judge | None = None) -> Run:
    """A run with the categories that others give to its sites.

    Args:
        run: As it was measured.
        hook: The hook of a pytest session; asked before the entry points.

    Raises:
        UsageError: An entry point cannot be loaded, or an answer is no name and remedy.
    """
    if not run.sites:
        return run
    judges = {} if hook is None else {"pytest_reqleak_categorize": hook}
    judges |= _installed()
    if not judges:
        return run
    return replace(run, sites=tuple(_judged(site, judges) for site in run.sites))


def _judged(site: Site, judges: dict[str, Judge]) -> Site:
    for name, judge in judges.items():
        said = judge(frames=site.frames, category=site.category)
        if said is None:
            continue
        parts = tuple(said) if isinstance(said, (tuple, list)) else ()
        if len(parts) != 2 or not all(isinstance(part, str) for part in parts) or not parts[0]:
            raise UsageError(f"{name} returned {said!r}: must be a name and a remedy, or None")
        return replace(site, category=parts[0], remedy=parts[1])
    return site


def _installed() -> dict[str, Judge]:
    judges: dict[str, Judge] = {}
    for point in entry_points(group=ENTRY_POINTS):
        place = f"entry point {point.name} = {point.value} ({ENTRY_POINTS})"
        try:
            judges[place] = point.load()
        except (ImportError, AttributeError) as error:
            raise UsageError(f"{place} cannot be loaded: {error}") from error
    return judges
