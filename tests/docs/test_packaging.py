"""What is published holds what it promises: pages and tests in the sources, every Python in the matrix."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from test_pages import READMES

PROJECT = Path(__file__).parents[2]


def configuration() -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))


def test_the_source_distribution_has_all_that_its_tests_read():
    included = configuration()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]

    needed = {name.split("/")[0] for name in READMES} | {"benchmarks", "docs", "examples", "tests"}
    assert set() == {f"/{name}" for name in needed} - set(included)
    assert [] == [name for name in included if not (PROJECT / name.lstrip("/")).exists()]


def test_every_python_and_system_that_is_claimed_is_in_the_matrix():
    yaml = pytest.importorskip("yaml")
    file = PROJECT / ".github" / "workflows" / "tests.yml"
    if not file.exists():
        pytest.skip("workflows are not part of the source distribution")
    matrix = yaml.safe_load(file.read_text("utf-8"))["jobs"]["tests"]["strategy"]["matrix"]

    claimed = configuration()["project"]["classifiers"]
    pythons = {line.rsplit(" ", 1)[1] for line in claimed if "Python :: 3." in line}
    assert pythons == set(matrix["python"])
    assert {"ubuntu-latest", "macos-latest", "windows-latest"} == {
        *matrix["os"],
        *(each["os"] for each in matrix["include"]),
    }
    assert {"latest", "lowest"} == {
        *matrix["dependencies"],
        *(each["dependencies"] for each in matrix["include"]),
    }


def test_the_package_carries_its_types_its_schema_and_its_templates():
    package = PROJECT / "pytest_reqleak"

    assert (package / "py.typed").exists()
    assert (package / "report" / "schema" / "run-v1.json").exists()
    assert (package / "report" / "templates" / "page.html").exists()
