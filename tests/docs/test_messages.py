"""The page of messages knows every message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SLUG = re.compile(r"""\bslug\s*=\s*["']([a-z-]+)["']""")

SLUGS = sorted(
    {
        slug
        for file in (PROJECT / "pytest_reqleak").rglob("*.py")
        for slug in SLUG.findall(file.read_text("utf-8"))
    }
)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_page_of_messages_has_a_section_for(slug: str) -> None:
    page = (PROJECT / "docs/reference/messages.md").read_text("utf-8")

    assert f"\n### {slug}\n" in page
