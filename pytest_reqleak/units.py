"""Numbers with units: how a person writes them, how we print them.

Knows bytes, counts and seconds only; nothing about what they measure. Every
number that a person reads is formatted here, so that one quantity never
appears in two shapes.
"""

from __future__ import annotations

import math
import re

from pytest_reqleak.errors import UsageError

_UNITS = {"": 1, "b": 1, "byte": 1, "bytes": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_DECIMAL_TWINS = {"k": "KiB", "kb": "KiB", "m": "MiB", "mb": "MiB", "g": "GiB", "gb": "GiB"}
MOST_COUNT = 10**12
"""More requests than anybody can wait for; what is larger was not meant."""
# Compiled at its first use: whoever measures nothing has none.
_QUANTITY = r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]*)\s*"


def parse_bytes(text: str | float) -> float:
    """Read a number of bytes as a person writes it: `16`, `"16 B"`, `"1 KiB"`.

    Binary units only, as everywhere in our output; `KB` is refused because
    nobody knows which of two numbers its author had in mind.

    Raises:
        UsageError: Not a positive number of bytes.
    """
    if isinstance(text, bool):
        raise UsageError("must be a number of bytes such as 16, '16 B' or '1 KiB'")
    if isinstance(text, (int, float)):
        amount, unit = _float(text), ""
    else:
        match = re.fullmatch(_QUANTITY, text)
        if match is None:
            raise UsageError("must be a positive number of bytes such as 16, '16 B' or '1 KiB'")
        amount, unit = float(match[1]), match[2]
    if unit.lower() not in _UNITS:
        hint = _DECIMAL_TWINS.get(unit.lower())
        meant = f"; for {unit} write {hint}" if hint else ""
        raise UsageError(f"has the unknown unit {unit!r}: use B, KiB, MiB or GiB{meant}")
    size = amount * _UNITS[unit.lower()]
    if size == math.inf:
        raise UsageError("is too large a number")
    if not size > 0:
        raise UsageError("must be more than 0 bytes")
    return size


def parse_count(text: str | int, *, least: int = 1) -> int:
    """Read a whole number of at least `least`, and of `MOST_COUNT` at most.

    Raises:
        UsageError: Not a whole number, smaller, or larger.
    """
    if isinstance(text, bool):
        raise UsageError("must be a whole number")
    try:
        count = int(text)
    except ValueError:
        raise UsageError("must be a whole number") from None
    if count < least:
        raise UsageError(f"must be at least {least}")
    if count > MOST_COUNT:
        raise UsageError(f"must be at most {format_count(MOST_COUNT)}")
    return count


def parse_seconds(text: str | float) -> float:
    """Read a positive number of seconds: `30`, `"30"`, `"30 s"`, `"0.5s"`.

    Raises:
        UsageError: Not a positive, finite number.
    """
    if isinstance(text, bool):
        raise UsageError("must be a number of seconds")
    try:
        seconds = float(text.strip().removesuffix("s")) if isinstance(text, str) else _float(text)
    except ValueError:
        raise UsageError("must be a number of seconds such as 30 or 0.5") from None
    if seconds == math.inf:
        raise UsageError("is too large a number")
    if not seconds > 0:
        raise UsageError("must be more than 0 seconds")
    return seconds


def format_bytes(size: float) -> str:
    """Print bytes with three significant digits at most: `86 B`, `1.3 KiB`, `0.08 B`."""
    sign = "-" if size < 0 else ""
    size = abs(size)
    # 1023.5 would round up to "1024 B"; it is 1.0 KiB.
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1023.5 or unit == "GiB":
            return f"{sign}{_short(size)} {unit}"
        size /= 1024
    raise AssertionError("unreachable: GiB ends the loop")


def format_rate(size: float, per: str = "request") -> str:
    """Print bytes per iteration: `553 B/request`."""
    return f"{format_bytes(size)}/{per}"


def format_count(count: float) -> str:
    """Print a count: whole numbers with thousands separated, others shortened."""
    if float(count).is_integer():
        return f"{int(count):,}"
    return _short(count) if abs(count) < 1000 else f"{count:,.0f}"


def format_average(count: float) -> str:
    """Print a count per iteration, which is never exact: `6.0`, `0.05`, `1,234`."""
    if 0 < abs(count) < 0.95:
        return _short(count)
    return f"{count:.1f}" if abs(count) < 100 else f"{count:,.0f}"


def format_seconds(seconds: float) -> str:
    """Print a duration as a person would: `0.42 s`, `12 s`, `2 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 60 or not math.isfinite(seconds):
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _short(number: float) -> str:
    if number == 0:
        return "0"
    magnitude = abs(number)
    if magnitude >= 100:
        return f"{number:.0f}"
    if magnitude >= 0.995:
        return f"{number:.1f}".removesuffix(".0")
    return f"{number:.2g}"
