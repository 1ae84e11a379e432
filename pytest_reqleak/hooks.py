"""The hooks that a `conftest.py` or a plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_reqleak.model.finding import Frame


@pytest.hookspec(firstresult=True)
def pytest_reqleak_categorize(frames: tuple[Frame, ...], category: str) -> tuple[str, str] | None:
    """Say what kind of memory a site keeps, and what helps.

    Args:
        frames: Of the site: the user's first own line, then the others from the
            allocation outwards. A frame has `file`, `line`, `function`, `code` and `own`.
        category: What the built-in table says; `python` where it says nothing.

    Returns:
        The name of the category and a remedy of one sentence (or empty); None leaves the
        site to the next implementation, and in the end to the table.
    """
