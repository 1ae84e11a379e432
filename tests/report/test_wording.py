from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from run_strategies import growths, runs
from sample_runs import (
    EVERY_RUN,
    HOME,
    clean_run,
    growths_of,
    native_run,
    pydantic_run,
    threads_run,
)

from pytest_reqleak.model.finding import Caveat, Growth, Holder
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import advice, wording
from pytest_reqleak.report.paths import show_path


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        (f"{HOME}/shop/orders.py", "shop/orders.py"),
        (f"{HOME}/.venv/lib/python3.11/site-packages/pydantic/main.py", "pydantic/main.py"),
        ("/usr/lib/python3/dist-packages/flask/app.py", "flask/app.py"),
        ("/usr/lib/python3.11/asyncio/tasks.py", "python3.11/asyncio/tasks.py"),
        ("/opt/else/where.py", "/opt/else/where.py"),
        (f"{HOME}-other/shop/orders.py", f"{HOME}-other/shop/orders.py"),
        ("<string>", "<string>"),
        ("", ""),
    ],
)
def test_a_path_is_shown_as_short_as_it_stays_clear(file: str, shown: str) -> None:
    assert shown == show_path(file)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (threads_run(), "each iteration leaves 1.0 thread (9.6 KiB) behind"),
        (
            replace(
                threads_run(),
                growth=growths_of(tasks=(2.0, 0.0), descriptors=(0.5, 0.0)),
                bytes_per_iteration=0.0,
            ),
            "each iteration leaves 0.5 open file descriptors and 2.0 asyncio tasks behind",
        ),
        (
            replace(
                pydantic_run(),
                classification=(Cause.PYTHON, Cause.RESOURCE),
                growth=growths_of(threads=(1.0, 0.0)),
            ),
            "each request leaves 553 B (6.0 blocks) and 1.0 thread behind",
        ),
        (
            replace(
                pydantic_run(),
                classification=(Cause.CYCLES,),
                bytes_per_iteration=0.0,
                growth=(
                    Growth(meter=Meter.CYCLIC_GARBAGE, per_iteration=3.0, low=3.0, high=3.0, grows=True),
                ),
            ),
            "each request leaves 3.0 objects in reference cycles behind",
        ),
        (
            EVERY_RUN["allocator"](),
            "each request raises the resident memory by 2.2 KiB, though live memory does not grow",
        ),
        (
            EVERY_RUN["bounded"](),
            "each request leaves 176 B (3.0 blocks) behind, in a container that is not full yet",
        ),
        (
            replace(native_run(), verdict=Verdict.INCONCLUSIVE),
            "each request seems to leave 2.2 KiB of native memory behind, but it is not certain",
        ),
        (
            replace(pydantic_run(), caveats=(Caveat(slug="bytes-estimated", text="No tracer ran."),)),
            "each request leaves about 553 B (6.0 blocks) behind",
        ),
        (
            replace(native_run(), caveats=(Caveat(slug="bytes-estimated", text="No tracer ran."),)),
            "each request leaves 2.2 KiB of native memory behind",
        ),
        (replace(clean_run(), iterations=1), "1 request leaves nothing behind"),
    ],
)
def test_growth_is_worded_after_what_grows(run, says: str) -> None:
    assert says == wording.headline(run)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (5.99, 6.01, "5.99 to 6.01"),
        (551.3, 555.1, "551 to 555"),
        (2.0, 2.0, "exactly 2.00"),
        (-0.0001, 0.0001, "-0.0001 to 0.0001"),
        (float("-inf"), 3.0, "unbounded to 3.00"),
    ],
)
def test_an_interval_has_the_digits_that_tell_its_ends_apart(low: float, high: float, text: str) -> None:
    growth = Growth(meter=Meter.LIVE_BLOCKS, per_iteration=low, low=low, high=high, grows=True)

    assert text == wording.interval_text(growth)


@given(growth=growths)
def test_any_growth_can_be_worded(growth: Growth) -> None:
    assert wording.interval_text(growth)
    assert wording.growth_text(growth, "request").endswith("/request")


@given(run=runs)
def test_what_to_do_is_said_unless_the_run_is_clean(run) -> None:
    if run.verdict is Verdict.CLEAN:
        assert [] == advice.next_steps(run)
    if run.verdict is Verdict.INCONCLUSIVE:
        assert advice.next_steps(run)


def test_the_first_advice_is_the_remedy_of_the_top_site() -> None:
    assert pydantic_run().sites[0].remedy == advice.next_steps(pydantic_run())[0]


def test_a_container_without_a_remedy_is_to_be_bounded() -> None:
    run = replace(pydantic_run(), sites=())

    assert advice.next_steps(run)[0].startswith("Give shop.orders.RECENT and shop.signing")


def test_what_a_registry_of_the_interpreter_keeps_is_to_be_registered_once() -> None:
    run = replace(pydantic_run(), sites=())
    kept = replace(run.holders[0], path="atexit callbacks")

    assert advice.next_steps(replace(run, holders=(kept,)))[0].startswith("Register once")
    saved = replace(run.holders[0], path="gc.garbage")
    assert "gc.DEBUG_SAVEALL" in advice.next_steps(replace(run, holders=(saved,)))[0]


def test_a_container_that_keeps_nothing_alive_needs_no_bound() -> None:
    run = replace(pydantic_run(), sites=())
    listed = replace(run.holders[0], path="shop.ROWS", type="_weakrefset.WeakSet")

    assert not any("shop.ROWS" in step for step in advice.next_steps(replace(run, holders=(listed,))))
    both = replace(run, holders=(run.holders[0], listed))
    assert advice.next_steps(both)[0].startswith(f"Give {run.holders[0].path} a bound")


def test_native_memory_of_objects_that_something_keeps_is_let_go_of_with_them() -> None:
    run = pydantic_run()
    native = replace(run.sites[0], category="native memory", remedy="Call free.")

    assert advice.next_steps(replace(run, sites=(native,)))[0].startswith(
        "Give shop.orders.RECENT and shop.signing"
    )
    assert "Call free." == advice.next_steps(replace(run, sites=(native,), holders=()))[0]


def test_the_headline_names_the_holder_that_its_line_fills() -> None:
    run = pydantic_run()
    first, second = run.holders[:2]
    filled = replace(second, frames=run.sites[0].frames[:1])

    assert "held by shop.orders.RECENT" in wording.locus(replace(run, holders=(first, second)))
    assert f"held by {second.path}" in wording.locus(
        replace(run, holders=(replace(first, frames=()), filled))
    )


def test_each_kind_that_is_found_has_its_step() -> None:
    run = pydantic_run()
    first, second = (
        replace(site, remedy=remedy) for site, remedy in zip(run.sites, ("One.", "Two."), strict=True)
    )
    own, other = (
        replace(holder, frames=site.frames[:1])
        for holder, site in zip(run.holders, (first, second), strict=False)
    )
    double = replace(run, sites=(first, second, first), holders=(own, other))

    assert ["One.", "Two."] == advice.next_steps(double)[:2]
    # What one leak keeps besides is its victim, whatever kind it is.
    assert ["One."] == advice.next_steps(replace(double, holders=(own,)))


def test_one_number_of_iterations_is_named_where_the_reason_names_one() -> None:
    reason = "live blocks rise by 2.1 per request, but fell back in between; iterations=68782 would settle it"
    run = replace(pydantic_run(), verdict=Verdict.INCONCLUSIVE, reason=reason)

    assert "Measure longer: iterations=68782 tells slow growth from a cache that fills." in advice.next_steps(
        run
    )


@pytest.mark.parametrize(
    ("named", "step"),
    [
        ("timeout=18", "Allow more time: timeout=18."),
        ("iterations=200", "Measure for fewer: iterations=200 fits into the time limit."),
    ],
)
def test_what_a_time_limit_has_ended_needs_more_time_or_fewer_iterations(named, step) -> None:
    reason = f"the time limit of 3 s ended the run after 2,400 requests in all; {named} would settle it"
    run = replace(pydantic_run(), verdict=Verdict.INCONCLUSIVE, reason=reason, iterations=1000)

    assert step in advice.next_steps(run)


def test_a_leak_that_was_not_traced_needs_no_more_than_the_default() -> None:
    untraced = Caveat(slug="bytes-estimated", text="No tracer ran.")
    run = replace(pydantic_run(), sites=(), explained=None, caveats=(untraced,))

    assert "Leave trace at auto to see where the memory is allocated." in advice.next_steps(run)


def test_a_tracer_that_was_used_is_not_advised_again() -> None:
    assert [] == advice.next_steps(replace(native_run(), environment={"tracer": "memray"}))


def test_native_growth_asks_for_the_tracer_that_sees_c_code() -> None:
    assert ["Measure with tracer=memray: it also sees what C code allocates."] == advice.next_steps(
        native_run()
    )


@pytest.mark.parametrize(
    ("run", "command"),
    [
        (clean_run(), "reqleak check shop.main:app 'GET /orders/{i}' -n 2000 --server bundled"),
        (
            threads_run(),
            "pytest tests/test_mail.py::test_sending_mail_leaves_nothing_behind --reqleak-iterations=2000",
        ),
        (replace(clean_run(), target="FastAPI"), ""),
        (
            replace(clean_run(), threshold=16.0, environment={"concurrency": "4"}),
            "reqleak check shop.main:app 'GET /orders/{i}' -n 2000 --server bundled "
            "--threshold 16 --concurrency 4",
        ),
        (
            replace(clean_run(), target="a.py:app; rm x"),
            "reqleak check 'a.py:app; rm x' 'GET /orders/{i}' -n 2000 --server bundled",
        ),
    ],
)
def test_the_command_that_measures_again_can_be_pasted(run, command: str) -> None:
    assert command == advice.reproduce_command(run)


def on_server(run: Run, name: str) -> Run:
    return replace(run, server=replace(run.server, name=name))


def test_a_leak_on_a_server_that_is_not_ours_is_worth_a_comparison() -> None:
    steps = advice.next_steps(on_server(pydantic_run(), "granian"))

    sent = "'POST /orders' 'GET /orders/{i}'"
    command = f"reqleak compare shop.main:app {sent} --server granian --server bundled"
    assert f"See whether it is the app or the server: {command}" == steps[-1]
    assert not any("compare" in step for step in advice.next_steps(pydantic_run()))


def test_tasks_that_pile_up_come_before_the_lines_that_allocate() -> None:
    tasks = Holder(
        path="tasks running shop.notify at shop.py:18, waiting in asyncio.locks.Event.wait",
        type="asyncio.Task",
        growth_per_iteration=1.0,
        size=2000,
    )
    run = on_server(
        replace(pydantic_run(), holders=(tasks,), classification=(Cause.PYTHON, Cause.RESOURCE)), "granian"
    )

    assert wording.locus(run).startswith("held by tasks running shop.notify at shop.py:18")
    assert "reqleak compare" in advice.next_steps(run)[0]
