"""Runs beside each other: the table, and the sentence that says what differs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_runs import clean_run, growths_of, pydantic_run

from pytest_reqleak.model.finding import CauseGrowth, Caveat
from pytest_reqleak.model.meter import Cause, Verdict
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.report.comparison import Entry, comparison_report, difference, requests_per_second

TASKS = CauseGrowth(
    cause=Cause.RESOURCE, bytes_per_iteration=0.0, text="1.0 asyncio task per request never finishes"
)


def on(server: str, run: Run, *, version: str = "", label: str = "") -> Entry:
    info = ServerInfo(name=server, version=version, interface="asgi", pid=1)
    return Entry(label=label or server, server=server, run=replace(run, server=info))


def leak(size: float, *causes: Cause) -> Run:
    kinds = causes or (Cause.PYTHON,)
    parts = tuple(
        CauseGrowth(cause=cause, bytes_per_iteration=size, text=f"{cause} grows") for cause in kinds
    )
    return replace(pydantic_run(), bytes_per_iteration=size, classification=kinds, causes=parts)


def kept_by_allocator(rate: float) -> Run:
    note = Caveat(slug="allocator", text="it is kept for reuse")
    return replace(clean_run(), caveats=(note,), growth=growths_of(rss_bytes=(rate, 10.0, False)))


def test_the_same_leak_everywhere_is_the_app_and_names_its_line():
    said = difference([on("bundled", leak(553)), on("granian", leak(560), version="2.8.7")])

    alike = (
        "it is the app: each request leaves 553 B behind on bundled and granian 2.8.7 alike, allocated at "
    )
    assert said.startswith(alike)
    assert said.removeprefix(alike).startswith("shop/")


def test_a_leak_on_one_server_is_that_server_and_says_its_cause_first():
    run = leak(8747, Cause.PYTHON, Cause.RESOURCE)
    run = replace(run, causes=(TASKS, *run.causes))
    entries = [on("granian", run, version="1.2.3"), on("uvicorn", clean_run(), version="0.29.0")]

    assert (
        "it is granian 1.2.3, not the app alone: each request leaves 8.5 KiB behind there "
        "(1.0 asyncio task per request never finishes), and nothing on uvicorn 0.29.0"
    ) == difference(entries)


def test_native_growth_on_one_server_is_its_native_code():
    said = difference([on("granian", leak(4096, Cause.NATIVE, Cause.MAPPED)), on("direct", clean_run())])

    assert said.startswith("it is native code of granian, not the app alone")


def test_native_growth_everywhere_is_native_code_of_the_app():
    said = difference([on("bundled", leak(520, Cause.NATIVE)), on("direct", leak(520, Cause.NATIVE))])

    assert said.startswith("it is native code that the app calls")


def test_more_growth_on_one_server_is_the_app_and_the_server():
    said = difference([on("bundled", leak(553)), on("uvicorn", leak(560)), on("granian", leak(9000))])

    assert said.startswith("it is the app, and the server adds to it: each request leaves 553 B behind")
    assert "on bundled and uvicorn, and 8.8 KiB on granian" in said


def test_a_leak_under_one_allocator_alone_is_the_allocator():
    entries = [
        on("granian", leak(900), label="granian, jemalloc"),
        on("granian", clean_run(), label="granian, glibc"),
    ]

    assert difference(entries).startswith("it is the allocator: each request leaves 900 B behind")


def test_where_all_is_clean_nothing_differs():
    assert "nothing differs: no request leaves anything behind on bundled and direct" == difference(
        [on("bundled", clean_run()), on("direct", clean_run())]
    )


def test_resident_memory_that_is_kept_on_one_is_the_allocator():
    said = difference([on("bundled", clean_run()), on("granian", kept_by_allocator(2048.0))])

    assert (
        "it is the allocator: nothing that is in use grows, "
        "but RSS rises by up to 2 KiB per request on granian"
    ) == said


def test_what_is_uncertain_or_failed_is_named():
    unsure = replace(clean_run(), verdict=Verdict.INCONCLUSIVE)
    entries = [
        on("bundled", clean_run()),
        on("uvicorn", unsure),
        Entry(label="granian", problem="granian is not installed"),
    ]

    assert difference(entries).endswith("; uvicorn gives no certain answer; granian could not be measured")
    assert "nothing can be said; uvicorn gives no certain answer" == difference(entries[1:2])
    assert "nothing can be compared; granian could not be measured" == difference(entries[2:])


def test_the_table_has_a_row_for_each_and_columns_for_what_grows():
    entries = [
        on("bundled", leak(553, Cause.PYTHON)),
        on("granian", leak(8000, Cause.PYTHON, Cause.NATIVE), version="2.8.7"),
        Entry(label="uvicorn", problem="uvicorn is not installed: install pytest-reqleak[uvicorn]"),
    ]
    lines = comparison_report(entries, width=140).split("\n")

    assert ["server", "verdict", "per", "request", "python", "native", "RSS", "from", "to", "req/s"] == lines[
        2
    ].split()
    assert ["bundled", "leak", "553", "B", "553", "B"] == lines[3].split()[:6]
    assert ["granian", "2.8.7", "leak", "7.8", "KiB", "7.8", "KiB", "7.8", "KiB"] == lines[4].split()[:9]
    assert ["uvicorn", "not", "measured"] == lines[5].split()
    assert "uvicorn: uvicorn is not installed: install pytest-reqleak[uvicorn]" in lines


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_page(width, unicode):
    entries = [
        on("bundled", leak(553)),
        on("granian", leak(9000), label="granian --task-impl rust --runtime-threads 1", version="2.8.7"),
        on("uvicorn", clean_run()),
    ]
    report = comparison_report(entries, width=width, unicode=unicode)

    assert max(map(len, report.split("\n"))) <= width
    assert unicode or report.isascii()


def test_a_narrow_table_keeps_the_verdict_and_the_bytes():
    report = comparison_report([on("bundled", leak(553)), on("granian", clean_run())], width=40)

    (row,) = [line.split() for line in report.split("\n") if line.startswith("bundled ")]
    assert ["bundled", "leak", "553", "B"] == row[:4]


def test_the_curve_gives_way_before_a_column_does():
    entries = [on("bundled", leak(553)), on("granian", clean_run())]

    def row_and_title(width):
        title, row, *_ = comparison_report(entries, width=width).split("\n")[2:]
        return row, title

    row, title = row_and_title(140)
    narrow_row, narrow_title = row_and_title(len(row) - 1)

    assert title.split() == narrow_title.split()
    cells, narrow_cells = row.split(), narrow_row.split()
    assert (16, 12) == (len(cells.pop(6)), len(narrow_cells.pop(6)))
    assert cells == narrow_cells


def test_there_is_colour_only_where_it_is_asked_for():
    entries = [on("bundled", leak(553)), on("granian", clean_run())]

    assert "\x1b" not in comparison_report(entries)
    assert "\x1b" in comparison_report(entries, color=True)


def test_names_cannot_write_to_the_terminal():
    entries = [on("bundled", leak(553), label="bundled\x1b[2J"), on("direct", clean_run())]

    assert "\x1b" not in comparison_report(entries)


def test_the_pace_is_that_of_the_measurement():
    # The sample runs make a request in 0.4 ms.
    assert 2500 == pytest.approx(requests_per_second(clean_run()), rel=0.01)


def test_two_versions_of_one_server_do_not_differ_by_the_allocator():
    entries = [on("granian", leak(900), version="2.0.1"), on("granian", clean_run(), version="2.1.0")]

    assert difference(entries).startswith("it is granian 2.0.1, not the app alone")


def test_a_run_that_cannot_see_native_memory_does_not_acquit_it():
    seeing = clean_run()
    readings = {meter: column for meter, column in seeing.samples.readings.items() if meter != "heap_bytes"}
    blind = replace(seeing, samples=replace(seeing.samples, readings=readings))
    entries = [
        on("bundled", leak(520, Cause.NATIVE), label="bundled, glibc"),
        on("bundled", blind, label="bundled, mimalloc"),
    ]

    assert (
        "it is native code that the app calls: each request leaves 520 B behind on bundled, glibc"
    ) == difference(entries).partition(", allocated")[0].partition(";")[0]
    assert difference(entries).endswith("; what native code holds on bundled, mimalloc cannot be seen")
