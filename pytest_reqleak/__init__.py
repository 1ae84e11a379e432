"""pytest-reqleak: finds per-request memory growth in any ASGI or WSGI app.

The public names are loaded when they are first used: a pytest session that
measures nothing should not pay for them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_reqleak.errors import MemoryGrowth, NoVerdict, ReqleakError, ReqleakWarning
    from pytest_reqleak.fixture import check, measure
    from pytest_reqleak.model.request import Request
    from pytest_reqleak.model.run import Run

__version__ = "0.1.0"

_HOMES = {
    "MemoryGrowth": "pytest_reqleak.errors",
    "NoVerdict": "pytest_reqleak.errors",
    "ReqleakError": "pytest_reqleak.errors",
    "ReqleakWarning": "pytest_reqleak.errors",
    "Request": "pytest_reqleak.model.request",
    "Run": "pytest_reqleak.model.run",
    "check": "pytest_reqleak.fixture",
    "measure": "pytest_reqleak.fixture",
}

__all__ = [
    "MemoryGrowth",
    "NoVerdict",
    "ReqleakError",
    "ReqleakWarning",
    "Request",
    "Run",
    "__version__",
    "check",
    "measure",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
