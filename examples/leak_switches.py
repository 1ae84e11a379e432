"""Read from the environment which leaks of an example are switched on."""

from __future__ import annotations

import os
from collections.abc import Collection


def read_leaks(variable: str, known: Collection[str]) -> set[str]:
    """The leaks named by an environment variable, separated by commas; `all` names every one.

    Raises:
        ValueError: A name is unknown.
    """
    names = {name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()}
    if names == {"all"}:
        return set(known)
    unknown = sorted(names - set(known))
    if unknown:
        raise ValueError(f"{variable}: unknown leak {unknown[0]!r}; known are {', '.join(known)} and all")
    return names
