"""The project's own corpus: every file is a case that says enough to be judged by."""

from __future__ import annotations

from benchmarks.leakbench.case import CORPUS, read_cases
from benchmarks.leakbench.judge import holder_names

CASES = read_cases(CORPUS)
TWINS = {case.name: case for case in read_cases(CORPUS, twins=True) if case.name.endswith("+fixed")}
LEAKS = [case for case in CASES if case.expected == "leak"]
CLEAN = [case for case in CASES if case.expected == "clean"]
LIBRARY = [case for case in CASES if case.name.startswith("lib_")]
PATTERNS = [case for case in CASES if case.name.startswith("pat_")]


def test_every_case_has_the_name_of_its_file() -> None:
    assert [] == [case.name for case in CASES if case.file.stem != case.name]


def test_every_case_sends_something_to_an_app_of_a_known_kind() -> None:
    assert [] == [case.name for case in CASES if not case.workload()]
    assert {"asgi", "wsgi"} == {case.interface for case in CASES}
    assert {"leak", "clean"} == {case.expected for case in CASES}


def test_everything_that_a_case_needs_is_pinned() -> None:
    assert [] == [need for case in [*CASES, *TWINS.values()] for need in case.needs if "==" not in need]


def test_every_leak_says_where_it_comes_from_and_what_holds_it() -> None:
    assert [] == [case.name for case in LEAKS if not (case.site and case.holder)]


def test_every_leak_says_how_much_it_loses_unless_it_loses_descriptors_alone() -> None:
    assert ["pat_open_descriptors"] == [case.name for case in LEAKS if case.bytes_per_request <= 0]


def test_no_clean_case_names_a_site() -> None:
    assert [] == [case.name for case in CLEAN if case.site or case.holder or case.bytes_per_request]


def test_every_library_leak_has_the_version_in_which_it_is_fixed() -> None:
    assert {f"{case.name}+fixed" for case in LIBRARY} == TWINS.keys()
    for case in LIBRARY:
        twin = TWINS[f"{case.name}+fixed"]
        assert (case.needs, case.python) != (twin.needs, twin.python), case.name


def test_every_leak_in_python_objects_has_a_holder_that_can_be_recognised() -> None:
    held = [case for case in LEAKS if case.kind.startswith("python-objects")]

    # The interpreter keeps the functions that run at exit where Python cannot look.
    assert ["pat_atexit"] == [case.name for case in held if not holder_names(case.holder)]


def test_both_interfaces_and_all_pythons_are_there_among_leaks_and_clean_apps() -> None:
    for cases in (PATTERNS, CLEAN):
        assert {"asgi", "wsgi"} == {case.interface for case in cases}
        assert {"3.11", "3.12", "3.13"} <= {case.python for case in cases}
        assert len(cases) > 20
    assert len(LIBRARY) >= 12
