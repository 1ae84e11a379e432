"""Batches of a run: what is sent, in which order, and what is sampled."""

from __future__ import annotations

import pytest

from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.plan import Plan
from pytest_reqleak.stages import MOST_SAMPLES, Stages


class Recorder:
    """A driver that keeps what it was asked to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int, int | None]] = []

    def run_batch(self, first: int, count: int, only: int | None = None) -> None:
        self.sent.append((first, count, only))

    def close(self) -> None:
        pass


@pytest.fixture
def driver() -> Recorder:
    return Recorder()


@pytest.fixture
def stages(driver):
    with Agent() as agent:
        yield Stages(plan=Plan(iterations=100, batches=10), driver=driver, agent=agent)


def test_a_stage_gives_one_sample_before_its_first_batch_and_one_after_each(stages):
    samples = stages.run(Phase.MEASURE, 100)

    assert 11 == len(samples)
    assert (0, 100) == (samples.iterations[0], samples.iterations[-1])


def test_batches_share_out_the_iterations_completely_in_no_rhythm(stages, driver):
    stages.run(Phase.MEASURE, 2300, batches=50)
    counts = [count for _, count, _ in driver.sent]

    assert 2300 == sum(counts)
    assert 50 == len(counts)
    assert 23 <= min(counts) < max(counts) <= 69


def test_each_batch_begins_where_the_one_before_it_ended(stages, driver):
    stages.run(Phase.MEASURE, 230, batches=7)
    firsts = [first for first, _, _ in driver.sent]
    ends = [first + count for first, count, _ in driver.sent]

    assert firsts[1:] == ends[:-1]


@pytest.mark.parametrize("phase", [Phase.MEASURE, Phase.CONFIRM, Phase.REPLAY])
@pytest.mark.parametrize("warmup", [None, 130])
def test_no_batch_is_shorter_than_the_concurrency(driver, phase, warmup):
    with Agent() as agent:
        plan = Plan(iterations=600, batches=10, concurrency=60, warmup=warmup)
        stages = Stages(plan=plan, driver=driver, agent=agent)
        stages.warm_up()
        stages.run(phase, 700, batches=50)

    assert 60 <= min(count for _, count, _ in driver.sent)


def test_a_stage_never_has_more_batches_than_iterations(stages, driver):
    stages.run(Phase.MEASURE, 3, batches=50)

    assert [(0, 1, None), (1, 1, None), (2, 1, None)] == driver.sent


def test_each_stage_goes_on_with_inputs_that_were_never_sent(stages, driver):
    stages.run(Phase.MEASURE, 10, batches=1)
    stages.run(Phase.CONFIRM, 10, batches=1)

    assert [(0, 10, None), (10, 10, None)] == driver.sent


def test_replay_sends_old_inputs_and_uses_up_no_fresh_ones(stages, driver):
    stages.run(Phase.MEASURE, 10, batches=1)
    replayed = stages.run(Phase.REPLAY, 10, batches=2, first=0)
    stages.run(Phase.CONFIRM, 10, batches=1)

    assert [(0, 10, None), (0, 5, None), (5, 5, None), (10, 10, None)] == driver.sent
    assert (10, 15, 20) == replayed.iterations


def test_one_request_of_a_workload_can_be_sent_alone(stages, driver):
    stages.alone((2,), 7, Meter.LIVE_BLOCKS)

    assert [(0, 7, 2)] == driver.sent


def test_a_stage_ends_early_when_the_time_of_the_run_is_over(driver):
    with Agent() as agent:
        stages = Stages(plan=Plan(timeout=1e-9), driver=driver, agent=agent)

        samples = stages.run(Phase.MEASURE, 100)

    assert stages.out_of_time
    assert 1 == len(samples)
    assert [] == driver.sent


class SlowDriver(Recorder):
    """Takes a tenth of a second for each iteration, by a clock of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic

    def run_batch(self, first: int, count: int, only: int | None = None) -> None:
        super().run_batch(first, count, only)
        self.now += count / 10


@pytest.fixture
def slow(monkeypatch) -> SlowDriver:
    driver = SlowDriver()
    monkeypatch.setattr("pytest_reqleak.stages.time", driver)
    return driver


@pytest.mark.parametrize("concurrency", [1, 30])
@pytest.mark.parametrize("warmup", [0, None, 10**9])
def test_a_run_ends_in_time_in_the_middle_of_its_batch(slow, warmup, concurrency):
    with Agent() as agent:
        plan = Plan(iterations=10**9, warmup=warmup, timeout=60, concurrency=concurrency)
        stages = Stages(plan=plan, driver=slow, agent=agent)
        stages.warm_up()
        samples = stages.run(Phase.MEASURE, 10**9)

    # A piece more than there is time for has as many iterations as are under way at a time.
    assert 600 <= stages.done == sum(count for _, count, _ in slow.sent) <= 600 + concurrency
    assert stages.done == samples.iterations[-1]
    assert 1060 <= slow.now <= 1063.1
    assert concurrency <= min(count for _, count, _ in slow.sent)


def test_a_batch_that_there_is_time_for_is_sent_in_one_piece(slow):
    with Agent() as agent:
        plan = Plan(iterations=600, batches=6, warmup=10, timeout=1000)
        stages = Stages(plan=plan, driver=slow, agent=agent)
        stages.warm_up()
        stages.run(Phase.MEASURE, 600)

    assert 1 + 6 == len(slow.sent)


def test_what_the_harness_recorded_is_emptied_before_each_sample(driver):
    emptied: list[int] = []
    with Agent() as agent:
        stages = Stages(
            plan=Plan(iterations=10, batches=2),
            driver=driver,
            agent=agent,
            between_batches=lambda: emptied.append(len(agent.buffer)),
        )
        stages.run(Phase.MEASURE, 10)

    assert [1, 2] == emptied


@pytest.mark.parametrize("warmup", [1, 7, 25])
def test_a_warm_up_of_a_given_length_is_exactly_that_long(driver, warmup):
    with Agent() as agent:
        stages = Stages(plan=Plan(iterations=100, batches=10, warmup=warmup), driver=driver, agent=agent)

        assert stages.warm_up()

    assert warmup == stages.done == stages.fresh


def test_a_warm_up_of_no_iterations_sends_nothing(driver):
    with Agent() as agent:
        stages = Stages(plan=Plan(warmup=0), driver=driver, agent=agent)
        stages.warm_up()

    assert [] == driver.sent


def test_progress_is_told_of_each_phase_and_batch(driver):
    told: list[object] = []

    class Observer:
        def phase(self, name: str, total: int | None) -> None:
            told.append((name, total))

        def advance(self, iterations: int) -> None:
            told.append(iterations)

    with Agent() as agent:
        stages = Stages(plan=Plan(iterations=10, batches=2), driver=driver, agent=agent, observer=Observer())
        stages.run(Phase.MEASURE, 10)

    assert [("measure", 10), 5, 5] == told


def test_ten_million_iterations_take_no_more_samples_than_a_hundred_thousand(driver):
    with Agent() as agent:
        stages = Stages(
            plan=Plan(iterations=10_000_000, batches=5_000_000, warmup=10_000_000), driver=driver, agent=agent
        )
        stages.warm_up()
        samples = stages.run(Phase.MEASURE, 10_000_000)

    assert 20_000_000 == stages.done
    assert MOST_SAMPLES + 1 == len(samples)
    assert 2 * MOST_SAMPLES + 1 >= len(agent.buffer)


def test_where_functions_get_caches_ours_have_theirs_before_a_long_stage(stages, driver, monkeypatch):
    monkeypatch.setattr("pytest_reqleak.stages._PRIMING", 7)
    stages.prime()

    assert [(0, 0, None)] * 7 == driver.sent
    assert 0 == stages.done == stages.fresh


def test_other_versions_lose_no_time_with_it(stages, driver, monkeypatch):
    monkeypatch.setattr("pytest_reqleak.stages._PRIMING", 0)
    stages.prime()

    assert [] == driver.sent
