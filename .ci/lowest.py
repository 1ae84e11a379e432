"""Write `tests/lowest.txt`: every direct dependency pinned to its lower bound in pyproject.toml.

Usage: python .ci/lowest.py [--check]     (where the project is installed)
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from packaging.requirements import Requirement

FILE = Path(__file__).parent.parent / "tests" / "lowest.txt"
HEAD = "# Lower bounds of pyproject.toml as pins; written by .ci/lowest.py.\n"
# What checks the code does not run with it, so its oldest version proves nothing.
EXTRAS = ("", "examples", "integrations", "test")


def lowest() -> str:
    """The constraints, one per line, sorted."""
    pins = set()
    for text in importlib.metadata.requires("pytest-reqleak") or []:
        requirement = Requirement(text)
        if requirement.name == "pytest-reqleak":
            continue
        here = [extra for extra in EXTRAS if requirement.marker is None or _holds(requirement, extra)]
        if here:
            bounds = [bound.version for bound in requirement.specifier if bound.operator == ">="]
            if len(bounds) != 1:
                raise SystemExit(f"{text}: needs exactly one lower bound")
            pins.add(f"{requirement.name}=={bounds[0]}\n")
    return HEAD + "".join(sorted(pins))


def _holds(requirement: Requirement, extra: str) -> bool:
    assert requirement.marker is not None
    return requirement.marker.evaluate({"extra": extra, "platform_system": "Linux"})


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if not FILE.exists() or FILE.read_text("utf-8") != lowest():
            raise SystemExit(f"{FILE.name} is not what pyproject.toml says: run python .ci/lowest.py")
    else:
        FILE.write_text(lowest(), "utf-8")
