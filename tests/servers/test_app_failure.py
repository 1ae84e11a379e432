"""An exception of the app, told."""

from __future__ import annotations

import sys

import pytest

from pytest_reqleak.servers.failure import describe_exception, innermost, traceback_tail


class OwnError(Exception):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no")


def raised(error, depth=0):
    def deeper(left):
        if left:
            deeper(left - 1)
        raise error

    try:
        deeper(depth)
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no key"), "ValueError: no key"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (ValueError(), "ValueError"),
        (OwnError("x"), "test_app_failure.OwnError: x"),
        (Unprintable(), "test_app_failure.Unprintable: (its __str__ raised RuntimeError)"),
        (KeyError("k"), "KeyError: 'k'"),
    ],
)
def test_an_exception_is_one_line(error, line):
    assert line == describe_exception(error)


def test_a_long_message_is_cut():
    assert len(describe_exception(ValueError("x" * 10_000))) < 400


def test_the_tail_has_the_last_frames_only():
    tail = traceback_tail(raised(ValueError("x"), depth=50))

    assert all(line.startswith("    ") for line in tail.splitlines())
    assert tail.count("in deeper") <= 8


def test_the_tail_names_what_the_exception_was_raised_from():
    error = OwnError("outer")
    error.__cause__ = ValueError("inner")

    assert "raised from ValueError: inner" in traceback_tail(raised(error))


def test_a_circle_of_causes_is_walked_once():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one

    assert 1 == traceback_tail(raised(one)).count("raised from")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
def test_a_group_of_one_is_unwrapped():
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("x")])])  # noqa: F821

    assert "ValueError: x" == describe_exception(group)


def test_what_has_exceptions_but_is_no_group_is_left_alone():
    error = OwnError("x")
    error.exceptions = ("not one",)

    assert innermost(error) is error
