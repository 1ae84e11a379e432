"""The page of messages knows every message, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/reference/messages.md").read_text("utf-8")
NAMED = re.compile(r"[a-z]+(-[a-z]+)*")
MAKERS = ("Caveat", "Note", "doubt")


def slugs_in(source: str) -> Iterator[str]:
    """Texts that a module uses as the name of an error or of a doubt."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(targets=[ast.Name(id="slug")], value=ast.Constant(value=str(slug))):
                yield slug
            case ast.keyword(arg="slug", value=ast.Constant(value=str(slug))):
                yield slug
            case ast.Call(
                func=ast.Name(id=maker) | ast.Attribute(attr=maker), args=[ast.Constant(value=str(slug)), *_]
            ):
                if maker in MAKERS:
                    yield slug
            # What the evidence could not find out, before it is a doubt of the run.
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="notes"), attr="append"),
                args=[ast.Tuple(elts=[ast.Constant(value=str(slug)), _])],
            ):
                yield slug


SLUGS = sorted(
    {
        slug
        for file in (PROJECT / "pytest_reqleak").rglob("*.py")
        for slug in slugs_in(file.read_text("utf-8"))
    }
)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_page_of_messages_has_a_section_for(slug: str) -> None:
    assert NAMED.fullmatch(slug)
    assert f"\n### {slug}\n" in PAGE


def test_the_page_has_no_section_for_what_is_never_said() -> None:
    assert set() == set(re.findall(r"^### (.+)$", PAGE, re.MULTILINE)) - set(SLUGS)


def test_each_way_of_naming_a_message_is_found() -> None:
    assert {"could-not-measure", "warmup-cut", "time-limit", "no-native-trace", "noise"} <= set(SLUGS)
