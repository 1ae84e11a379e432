from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from run_strategies import runs
from sample_runs import RUNS, clean_run, pydantic_run, samples_of

from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.chart import HEIGHT, MOST_COLUMNS, WIDTH, Chart, charts, hover_places


def chart_of(run: Run, meter: Meter) -> Chart:
    return next(chart for chart in charts(run) if chart.meter is meter)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.e+]+) (-?[\d.e+]+)", path)]


def test_growing_meters_come_first() -> None:
    assert [True, True, True, False, False, False, False] == [
        bool(chart.growth and chart.growth.grows) for chart in charts(pydantic_run())
    ]


def test_a_meter_that_never_moved_is_not_drawn() -> None:
    still = [chart for chart in charts(pydantic_run()) if not chart.moves]

    assert still
    assert {("", "")} == {(chart.curve, chart.aside) for chart in still}


def test_a_meter_that_was_not_read_has_no_chart() -> None:
    assert Meter.CYCLIC_GARBAGE not in [chart.meter for chart in charts(pydantic_run())]


def test_the_curve_of_steady_growth_rises_from_the_bottom_to_the_top() -> None:
    places = points(chart_of(pydantic_run(), Meter.LIVE_BLOCKS).curve)

    heights = [y for _, y in places]
    assert heights[0] > 0.9 * HEIGHT
    assert heights[-1] < 0.1 * HEIGHT
    assert WIDTH == places[-1][0]


def test_the_growth_lies_on_the_curve_that_it_was_fitted_to() -> None:
    chart = chart_of(pydantic_run(), Meter.GC_OBJECTS)
    left, bottom, right, top = chart.line

    measured = [(x, y) for x, y in points(chart.curve) if left <= x <= right]
    assert max(abs(bottom + (top - bottom) * (x - left) / (right - left) - y) for x, y in measured) < 1


def test_warm_up_and_tracing_do_not_set_the_scale() -> None:
    chart = chart_of(pydantic_run(), Meter.HEAP_BYTES)

    assert min(y for _, y in points(chart.aside)) < 0
    assert all(0 <= y <= HEIGHT for _, y in points(chart.curve))


def test_the_noise_of_a_flat_meter_stays_small() -> None:
    heights = [y for _, y in points(chart_of(clean_run(), Meter.LIVE_BLOCKS).curve)]

    assert max(heights) - min(heights) < 0.2 * HEIGHT


def test_the_bands_are_the_stages_in_order() -> None:
    bands = chart_of(pydantic_run(), Meter.LIVE_BLOCKS).bands

    assert [Phase.WARMUP, Phase.CONFIRM, Phase.TRACE, Phase.REPLAY, Phase.CONFIRM] == [
        band.phase for band in bands
    ]
    assert 0 == bands[0].x
    assert WIDTH == pytest.approx(bands[-1].x + bands[-1].width, abs=0.2)


@pytest.mark.parametrize("name", RUNS)
def test_an_axis_has_a_few_different_labels(name: str) -> None:
    for chart in charts(RUNS[name]()):
        for ticks in (chart.x_ticks, chart.y_ticks):
            labels = [tick.label for tick in ticks]
            assert 2 <= len(labels) <= 5
            assert len(labels) == len(set(labels))


def test_a_steep_tooth_survives_thinning() -> None:
    samples = samples_of(stages=((Phase.MEASURE, 5000, 10),), wobble=lambda n: 1000 if n == 2222 else 0)
    run = replace(clean_run(), samples=samples)

    places = points(chart_of(run, Meter.LIVE_BLOCKS).curve)

    assert len(places) <= 1001
    assert min(y for _, y in places) < 0.1 * HEIGHT


@given(run=runs)
def test_any_run_has_charts_with_finite_places(run: Run) -> None:
    for chart in charts(run):
        for x, y in points(chart.curve) + points(chart.aside):
            assert 0 <= x <= WIDTH
            assert -HEIGHT <= y <= 2 * HEIGHT


@pytest.mark.parametrize("count", [0, 1, 2, MOST_COLUMNS, MOST_COLUMNS + 1, 10_000])
def test_a_pointer_finds_the_first_the_last_and_evenly_many_between(count: int) -> None:
    places = hover_places(samples_of(stages=((Phase.MEASURE, count, 10),)))

    assert min(count, MOST_COLUMNS) == len(places)
    assert places[:1] + places[-1:] == ([0, count - 1] if count else [])
    steps = {after - before for before, after in pairwise(places)}
    assert not steps or max(steps) - min(steps) <= 1


@pytest.mark.parametrize("name", RUNS)
def test_every_reading_under_the_pointer_is_one_of_the_meters(name: str) -> None:
    run = RUNS[name]()

    for chart in charts(run):
        assert tuple(reading + chart.first for reading in chart.readings) == run.samples[chart.meter]
        assert chart.bottom < chart.top
