"""Others may say what kind of memory a site keeps."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from pytest_reqleak import categorizing
from pytest_reqleak.categorizing import categorized
from pytest_reqleak.errors import UsageError
from tests.report.sample_runs import clean_run, pydantic_run

CLEAN, PYDANTIC = clean_run(), pydantic_run()


def shelves(frames, category):
    return ("shelf", "Empty the shelf.") if frames[0].own else None


@pytest.fixture
def installed(monkeypatch):
    points: list[EntryPoint] = []
    monkeypatch.setattr(categorizing, "entry_points", lambda group: points)
    return points


def test_hook_of_a_conftest_names_the_category(pytester):
    pytester.makeconftest(
        """
        def pytest_reqleak_categorize(frames, category):
            if "KEPT" in frames[0].code:
                return "shelf", f"Empty the shelf, not {category}."
        """
    )
    pytester.makepyfile(
        """
        import json
        import pytest
        from pytest_reqleak import MemoryGrowth
        KEPT = []

        async def app(scope, receive, send):
            KEPT.append(bytearray(100))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        def test_app(reqleak):
            run = reqleak.measure(app, server="direct", iterations=300)
            assert "shelf" == run.sites[0].category
            assert "Empty the shelf, not python." == run.sites[0].remedy
        """
    )

    result = pytester.runpytest_subprocess("-q")

    result.assert_outcomes(passed=1)


def test_entry_point_names_the_category(installed):
    installed.append(EntryPoint("mine", f"{__name__}:shelves", "reqleak.categorize"))

    run = categorized(PYDANTIC)

    assert {("shelf", "Empty the shelf.")} == {(s.category, s.remedy) for s in run.sites if s.frames[0].own}


def test_hook_is_asked_before_entry_points(installed):
    installed.append(EntryPoint("mine", f"{__name__}:shelves", "reqleak.categorize"))

    run = categorized(PYDANTIC, lambda frames, category: ("first", ""))

    assert {"first"} == {site.category for site in run.sites}


def test_site_that_nobody_knows_keeps_its_category(installed):
    assert PYDANTIC.sites == categorized(PYDANTIC, lambda frames, category: None).sites


def test_run_without_sites_asks_nobody(installed):
    def asked(frames, category):
        raise AssertionError

    assert replace(CLEAN, sites=()) == categorized(replace(CLEAN, sites=()), asked)


@pytest.mark.parametrize("answer", ["shelf", ("shelf",), ("", "x"), ("shelf", None), 3])
def test_answer_that_is_no_name_and_remedy_is_refused(installed, answer):
    with pytest.raises(UsageError, match="must be a name and a remedy, or None"):
        categorized(PYDANTIC, lambda frames, category: answer)


def test_entry_point_that_cannot_be_loaded_is_named(installed):
    installed.append(EntryPoint("mine", "nowhere_to_be_found:it", "reqleak.categorize"))

    with pytest.raises(UsageError, match=r"mine = nowhere_to_be_found:it.*cannot be loaded"):
        categorized(PYDANTIC)
