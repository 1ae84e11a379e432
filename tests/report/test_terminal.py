from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from run_strategies import runs
from sample_runs import (
    EVERY_RUN,
    RUNS,
    bounded_run,
    clean_run,
    hostile_run,
    inconclusive_run,
    native_run,
    pydantic_run,
    rare_run,
    threads_run,
)

from pytest_reqleak.model.finding import Caveat, TypeGrowth
from pytest_reqleak.model.standing import Baselined, Ignored, Standing
from pytest_reqleak.report.summary import summary_lines
from pytest_reqleak.report.terminal import growth_message, terminal_report

VERBOSITIES = (-1, 0, 1, 2)
WIDTHS = (20, 32, 40, 60, 80, 120)


@pytest.mark.parametrize("name", RUNS)
def test_the_report_is_the_golden_one(name, matches_golden) -> None:
    matches_golden(f"terminal-{name}.txt", terminal_report(RUNS[name]()))


@pytest.mark.parametrize("verbosity", [-1, 1, 2])
def test_the_report_at_each_verbosity_is_the_golden_one(verbosity, matches_golden) -> None:
    matches_golden(
        f"terminal-pydantic-v{verbosity}.txt", terminal_report(pydantic_run(), verbosity=verbosity)
    )


def test_a_narrow_report_without_unicode_is_the_golden_one(matches_golden) -> None:
    matches_golden(
        "terminal-pydantic-narrow-ascii.txt", terminal_report(pydantic_run(), width=40, unicode=False)
    )


def test_a_coloured_report_is_the_golden_one(matches_golden) -> None:
    text = terminal_report(pydantic_run(), color=True)

    matches_golden("terminal-pydantic-color.txt", text.replace("\x1b", "ESC"))


@pytest.mark.parametrize("name", RUNS)
def test_the_message_of_the_exception_is_the_golden_one(name, matches_golden) -> None:
    matches_golden(f"message-{name}.txt", growth_message(RUNS[name]()))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_summary_is_the_golden_one(width, matches_golden) -> None:
    lines = summary_lines([make() for make in RUNS.values()], width=width)

    matches_golden(f"summary-{width}.txt", "\n".join(lines))


@pytest.mark.parametrize("verbosity", VERBOSITIES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", EVERY_RUN)
def test_no_line_is_wider_than_the_terminal(name, width, verbosity) -> None:
    text = terminal_report(EVERY_RUN[name](), width=width, verbosity=verbosity)

    assert [] == [line for line in text.split("\n") if cell_len(line) > width]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_of_the_summary_is_wider_than_the_terminal(width) -> None:
    lines = summary_lines([make() for make in EVERY_RUN.values()], width=width)

    # Below this width the verdict and the size alone are wider; they are cut.
    assert [] == [line for line in lines if cell_len(line) > max(width, 20)]


@given(run=runs, width=st.integers(1, 130), verbosity=st.sampled_from(VERBOSITIES), unicode=st.booleans())
def test_any_run_is_printed_within_the_width_and_without_control_characters(
    run, width, verbosity, unicode
) -> None:
    text = terminal_report(run, width=width, verbosity=verbosity, unicode=unicode)

    assert all(cell_len(line) <= max(width, 20) for line in text.split("\n"))
    assert text.replace("\n", "").isprintable()
    assert unicode or text.isascii()


@given(run=runs)
def test_any_run_has_a_message_of_printable_lines(run) -> None:
    message = growth_message(run)

    assert message
    assert message.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", EVERY_RUN)
def test_colours_change_no_character(name) -> None:
    plain = terminal_report(EVERY_RUN[name](), verbosity=2)
    coloured = terminal_report(EVERY_RUN[name](), verbosity=2, color=True)

    assert plain == "\n".join(line.rstrip() for line in Text.from_ansi(coloured).plain.split("\n"))


@pytest.mark.parametrize("name", EVERY_RUN)
def test_a_report_without_colours_has_no_escape_sequence(name) -> None:
    assert "\x1b" not in terminal_report(EVERY_RUN[name](), verbosity=2)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_a_report_without_unicode_can_be_encoded_for_any_terminal(encoding) -> None:
    for make in EVERY_RUN.values():
        assert terminal_report(make(), unicode=False, verbosity=2).encode(encoding)


def test_the_answer_comes_first_with_the_bytes_per_request() -> None:
    first = terminal_report(pydantic_run()).split("\n")[0]

    assert "LEAK: each request leaves 553 B (6.0 blocks) behind" == first


def test_a_clean_run_takes_one_line() -> None:
    expected = "CLEAN: 2,000 requests leave nothing behind (shop.main:app, bundled, 1.0 s)"

    assert expected == terminal_report(clean_run())


def test_a_clean_run_with_a_doubt_says_it_below() -> None:
    run = replace(clean_run(), caveats=(Caveat(slug="few", text="Only three samples could be taken."),))

    assert ["  note: Only three samples could be taken."] == terminal_report(run).split("\n")[1:]


def test_a_clean_run_under_a_threshold_does_not_claim_to_be_flat() -> None:
    run = replace(clean_run(), growth=pydantic_run().growth, threshold=1024.0)

    assert "leave less than the threshold of 1 KiB each behind" in terminal_report(run)


def test_the_users_own_line_stands_before_the_librarys() -> None:
    lines = [line.strip() for line in terminal_report(pydantic_run()).split("\n")]

    assert lines.index("shop/orders.py:11 in keep") + 1 == lines.index("RECENT.append(Order(**fields))")
    assert lines.index("shop/orders.py:11 in keep") < lines.index("pydantic/main.py:214 in __init__")


def test_what_turns_over_while_tracing_is_left_to_the_verbose_report() -> None:
    run = pydantic_run()
    noise = replace(run.sites[1], bytes_per_iteration=3.0, category="noise")
    run = replace(run, sites=(run.sites[0], noise), types=(TypeGrowth(type="ghost", per_iteration=0.007),))

    plain, verbose = terminal_report(run), terminal_report(run, verbosity=1)
    assert [False, False] == ["noise" in plain, "ghost" in plain]
    assert "... 1 more site" in plain
    assert [True, True] == ["noise" in verbose, "ghost" in verbose]


def test_sites_that_explain_nothing_are_not_blamed_for_native_growth() -> None:
    noise = replace(pydantic_run().sites[1], bytes_per_iteration=3.0)
    run = replace(native_run(), sites=(noise,))

    assert "Allocated at" not in terminal_report(run)
    assert "signing" not in growth_message(run) + "".join(summary_lines([run]))


def test_a_quiet_report_still_names_the_line_and_the_holder() -> None:
    text = " ".join(terminal_report(pydantic_run(), verbosity=-1).split())

    assert "shop/orders.py:11 in keep (pydantic model), held by shop.orders.RECENT" in text


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_a_rule_that_hides_something_is_shown_with_its_reason_at_any_level(verbosity: int) -> None:
    rule = Ignored(rule="type shop.Order", reason="orders stay", matched="shop.models.Order")
    standing = Baselined(standing=Standing.IGNORED, text="covered", file="agreed.json", ignored=(rule,))
    text = " ".join(terminal_report(replace(pydantic_run(), baseline=standing), verbosity=verbosity).split())

    assert "ignored: shop.models.Order (type shop.Order: orders stay)" in text


def test_a_bounded_container_is_named_with_what_would_settle_it() -> None:
    text = " ".join(terminal_report(bounded_run()).split())

    assert "4,700 of 10,000 filled" in text
    assert "full after about 5,300 requests more: measure with iterations=20000" in text


@pytest.mark.parametrize(
    ("run", "first"),
    [
        (
            pydantic_run(),
            "each request leaves 553 B (6.0 blocks) behind: "
            "shop/orders.py:11 in keep (pydantic model), held by shop.orders.RECENT",
        ),
        (native_run(), "each request leaves 2.2 KiB of native memory behind"),
        (
            threads_run(),
            "each iteration leaves 1.0 thread (9.6 KiB) behind: "
            "shop/mail.py:40 in send (thread), held by threading._active",
        ),
        (rare_run(), "each request leaves 0.26 B (1 block in 250 requests) behind"),
        (inconclusive_run(), "it is not certain whether requests leave memory behind"),
    ],
)
def test_the_first_line_of_the_message_tells_the_story(run, first) -> None:
    assert first == growth_message(run).split("\n")[0]


def test_the_summary_begins_with_the_run_that_leaks_most() -> None:
    sizes = [line.split()[1:3] for line in summary_lines([clean_run(), pydantic_run(), native_run()])[1:]]

    assert [["2.2", "KiB"], ["553", "B"], ["0", "B"]] == sizes


def test_the_summary_of_nothing_is_nothing() -> None:
    assert [] == summary_lines([])


def test_hostile_names_cannot_write_to_the_terminal() -> None:
    text = terminal_report(hostile_run(), verbosity=2)

    assert r"\x1b[2J\x1b]0;owned\x07\u202e" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
