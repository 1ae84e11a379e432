"""leakbench reads what the peers print; the outputs here are theirs, shortened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.leakbench.peers import read_memray, read_psleak, read_recipe
from benchmarks.leakbench.process import Ended

MEMRAY_LEAK = """\
M                                                                        [100%]
Test was allowed to leak 10.0KiB per location but at least one location leaked more
----------------------------- memray-leaked-memory -----------------------------
List of leaked allocations:
    - 54.8KiB allocated here:
        PyUnicode_New:Objects/unicodeobject.c:1251
        _call_asgi:/home/me/benchmarks/leakbench/inside/bare.py:82
    - 12.0KiB allocated here:
        list_append:Objects/listobject.c:1
        other:{folder}/case_app.py:5
    - 227.5KiB allocated here:
        _PyBytes_FromSize:Objects/bytesobject.c:101
        work:{folder}/case_app.py:2
        call_many:/home/me/benchmarks/leakbench/inside/bare.py:70
=========================== short test summary info ============================
1 failed in 0.18s
"""

PSLEAK_LEAK = """\
F
Traceback (most recent call last):
  File "psleak.py", line 654, in _check_mem
    raise MemoryLeakError(msg)
psleak.MemoryLeakError: memory kept increasing after 10 runs
Run # 1: heap=+55936 | uss=+8192  | rss=+8192               (calls= 200, avg/call=+279)
Run #10: heap=+1846256 | mmap=+196608 | uss=+2027520 (calls=7683, avg/call=+240)

FAILED (failures=1)
"""


def ended(exit_code: int, stdout: str = "", stderr: str = "") -> Ended:
    return Ended(exit_code, stdout, stderr, 1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "case_app.py").write_text("def work():\n    KEPT.append(bytes(200))\n\n\nOTHER = []\n")
    return tmp_path


def test_memrays_places_come_largest_first_with_the_python_lines_of_the_app(folder: Path) -> None:
    answer = read_memray(ended(1, MEMRAY_LEAK.format(folder=folder)), folder)

    assert "leak" == answer.verdict
    assert ["work", "other"] == [site["frames"][0]["function"] for site in answer.sites]
    assert "KEPT.append(bytes(200))" == answer.sites[0]["frames"][0]["code"]


def test_a_passed_memray_test_is_clean(folder: Path) -> None:
    assert "clean" == read_memray(ended(0, ".\n1 passed in 0.2s\n"), folder).verdict


def test_a_memray_test_that_broke_is_an_error_and_not_a_leak(folder: Path) -> None:
    answer = read_memray(ended(1, "E   ImportError: no module named case_app\n1 error in 0.1s\n"), folder)

    assert "error" == answer.verdict
    assert "ImportError" in answer.note


def test_psleaks_last_run_says_how_much_a_call_keeps(folder: Path) -> None:
    answer = read_psleak(ended(1, stderr=PSLEAK_LEAK), folder)

    assert ("leak", 240.0, []) == (answer.verdict, answer.bytes_per_request, answer.sites)


def test_a_psleak_test_is_clean_when_unittest_says_ok(folder: Path) -> None:
    assert "clean" == read_psleak(ended(0, stderr=".\nRan 1 test in 0.1s\n\nOK\n"), folder).verdict


def test_a_psleak_test_that_was_skipped_is_no_verdict(folder: Path) -> None:
    """Without PYTHONMALLOC=malloc psleak skips, and unittest ends with success."""
    answer = read_psleak(ended(0, stderr="s\nRan 1 test in 0.0s\n\nOK (skipped=1)\n"), folder)

    assert "error" == answer.verdict


def test_a_psleak_test_that_broke_is_an_error(folder: Path) -> None:
    broken = "E\nTraceback (most recent call last):\nTypeError: no\n\nFAILED (errors=1)\n"

    assert "error" == read_psleak(ended(1, stderr=broken), folder).verdict


def test_a_recipes_line_is_given_the_function_around_it(folder: Path) -> None:
    said = {"leak": True, "bytes_per_request": 242.0, "places": [{"file": "case_app.py", "line": 2}]}

    answer = read_recipe(ended(0, f"noise of the app\n{json.dumps(said)}\n"), folder)

    assert ("leak", 242.0) == (answer.verdict, answer.bytes_per_request)
    assert "work" == answer.sites[0]["frames"][0]["function"]


def test_a_recipe_that_crashed_is_an_error_with_its_last_words(folder: Path) -> None:
    answer = read_recipe(ended(1, stderr="Traceback (most recent call last):\nKeyError: 'x'\n"), folder)

    assert ("error", "KeyError: 'x'") == (answer.verdict, answer.note)
