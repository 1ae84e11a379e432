"""The pictures of the pages are those that the command makes, and small."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

from pictures import FOLDER, PICTURES  # noqa: E402

MOST_BYTES = 150_000
SHOWN = [
    (page, *found)
    for page in sorted(DOCS.rglob("*.md"))
    if "_build" not in page.parts
    for found in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text("utf-8"))
]


def test_each_picture_is_made_by_the_command_and_shown_on_a_page():
    files = {file.resolve() for file in FOLDER.iterdir()}

    assert files == {(FOLDER / picture.name).resolve() for picture in PICTURES}
    assert files == {(page.parent / target).resolve() for page, _, target in SHOWN}


def test_each_picture_says_in_words_what_it_shows():
    assert [] == [target for _, words, target in SHOWN if len(words.split()) < 5]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small_and_as_wide_as_asked_for(picture):
    content = (FOLDER / picture.name).read_bytes()

    assert b"\x89PNG\r\n\x1a\n" == content[:8]
    assert (picture.width, picture.height) == struct.unpack(">II", content[16:24])
    assert len(content) < MOST_BYTES
