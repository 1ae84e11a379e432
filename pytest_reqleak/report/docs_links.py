"""Where the documentation explains what a report names.

Knows the address of the documentation and how its pages are named; not who shows a link.
"""

from __future__ import annotations

from pytest_reqleak.analysis.category_rules import NAMED

DOCS = "https://pytest-reqleak.readthedocs.io/en/latest/"
"""As `project.urls` in `pyproject.toml` and `.readthedocs.yaml` have it."""


def category_page(name: str) -> str:
    """The address of a category's page; empty where the category is somebody else's."""
    category = NAMED.get(name)
    return f"{DOCS}reference/categories/{category.slug}.html" if category is not None else ""
