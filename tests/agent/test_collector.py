"""Who froze, and what an unfrozen stage may cost; each in a process of its own."""

from __future__ import annotations

import time

from pytest_reqleak.agent.collector import LEAST_SAMPLES, STAGE_SECONDS, Collector


def test_what_the_app_freezes_is_told_from_what_we_freeze(child):
    told = child(
        """
        import gc
        from pytest_reqleak.agent.collector import Collector

        def froze(app):
            collector = Collector()
            collector.freeze()
            app()
            collector.thaw()
            return collector.app_froze

        def refrozen(app):
            collector = Collector()
            collector.freeze()
            app()
            collector.freeze()
            collector.thaw()
            return collector.app_froze

        def nothing():
            return [object() for _ in range(1000)]

        def thaws():
            gc.unfreeze()

        say([froze(nothing), froze(gc.freeze), froze(thaws), refrozen(nothing), refrozen(gc.freeze)])
        """
    )
    assert [False, True, False, False, True] == told


def test_freezing_does_not_go_through_what_is_frozen(child):
    seconds = child(
        """
        import gc, time
        from pytest_reqleak.agent.collector import Collector

        def freeze_seconds(collector):
            begun = time.perf_counter()
            for _ in range(20):
                collector.freeze()
            return time.perf_counter() - begun

        gc.disable()
        collector = Collector()
        small = min(freeze_seconds(collector) for _ in range(5))
        heap = [[n] for n in range(1_000_000)]
        gc.freeze()
        collector = Collector()
        collector.freeze()
        say([small, min(freeze_seconds(collector) for _ in range(5))])
        """
    )
    # A walk through a million objects takes a thousand times as long as what else it does.
    assert seconds[1] < 50 * seconds[0]


def test_an_unfrozen_stage_affords_as_many_samples_as_its_collections_allow(monkeypatch):
    collector = Collector()
    assert collector.most_samples is None

    collector.freezes = False
    clock = iter((0.0, 0.1, 0.0, 60.0))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    collector.empty_free_lists()
    affordable = collector.most_samples
    collector.empty_free_lists()
    least = collector.most_samples

    assert (int(STAGE_SECONDS / 0.2), LEAST_SAMPLES) == (affordable, least)


def test_nothing_limits_samples_where_collecting_is_the_app_s_business():
    collector = Collector()
    collector.collects = collector.freezes = False

    assert collector.most_samples is None


def test_a_second_thaw_with_no_request_in_between_looks_at_nothing(child):
    collections = child(
        """
        import gc
        from pytest_reqleak.agent.agent import Agent

        def collections():
            return gc.get_stats()[2]["collections"]

        with Agent() as agent:
            agent.settle()
            agent.freeze()
            agent.thaw()
            before = collections()
            agent.thaw()
            again = collections() - before
            agent.settle()
            before = collections()
            agent.thaw()
            say([again, collections() - before])
        """
    )
    assert 0 == collections[0]
    assert collections[1] >= 1
