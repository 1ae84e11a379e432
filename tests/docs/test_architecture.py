"""The page of the architecture names every module, in the order that `lint-imports` holds."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def layers_of_the_contract() -> list[set[str]]:
    contract = (ROOT / "pyproject.toml").read_text().partition("[[tool.importlinter.contracts]]")[2]
    layers = re.search(r"^layers = \[\n(.*?)^\]", contract, re.MULTILINE | re.DOTALL)
    assert layers
    return [set(line.split(" | ")) for line in re.findall(r'"(.*)"', layers[1])]


def rows_of_the_page() -> list[set[str]]:
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Layers")[2].partition("\n## ")[0]
    return [set(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)]


def test_every_module_has_its_layer():
    package = ROOT / "pytest_reqleak"
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }

    assert modules - {"__init__"} == set().union(*layers_of_the_contract())


def test_the_page_has_the_layers_in_the_order_of_the_contract():
    places = {name: place for place, layer in enumerate(layers_of_the_contract()) for name in layer}
    rows = rows_of_the_page()

    assert set(places) - {"__main__"} == set().union(*rows)
    told = [sorted(places[name] for name in row) for row in rows]
    assert told == sorted(told)
