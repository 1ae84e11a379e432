"""The page on integrations names, in each row of its tables, the test that holds it."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "integrations.md"


def rows():
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    return [line for line in lines if not re.match(r"\|[ -]|\| (what|plugin) ", line) or line.endswith("` |")]


def test_every_row_names_a_test_and_every_integration_has_a_row():
    named = [re.search(r"`(test_\w+)` \|$", row) for row in rows()]
    known = {
        node.name
        for file in HERE.glob("test_*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }

    assert len(named) > 20
    assert all(named)
    assert {match[1] for match in named} <= known
