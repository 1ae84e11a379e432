"""A baseline as a JSON file that people edit, review and merge.

One entry per workload, in the order of their names, one figure per line and
rounded: a change shows what it changes and nothing else.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any

from pytest_reqleak.baseline.known import DEFAULT_TOLERANCE, Baseline, Entry, Rule
from pytest_reqleak.errors import UsageError
from pytest_reqleak.report.files import StrPath, write_text
from pytest_reqleak.report.paths import show_path
from pytest_reqleak.report.place import Place

VERSION = 1
_PATTERNS = ("site", "type", "holder", "endpoint")
_MERGE_MARK = "<<<<<<<"


def read_baseline(path: StrPath, *, may_be_missing: bool = False) -> Baseline:
    """Read a baseline.

    Args:
        path: The file.
        may_be_missing: An empty baseline stands for a file that does not exist yet.

    Raises:
        UsageError: It cannot be read, is no baseline, or a newer one; the place is named.
    """
    shown = show_path(os.fspath(path))
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        if may_be_missing:
            return Baseline(file=shown)
        raise UsageError(
            f"the baseline {shown!r} does not exist: make it with the option baseline-update"
        ) from None
    except IsADirectoryError:
        raise UsageError(f"cannot read the baseline {shown!r}: it is a folder") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the baseline {shown!r}: {why}") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _MERGE_MARK in text:
            raise UsageError(f"the baseline {shown!r} holds the marks of an unfinished merge") from error
        raise UsageError(f"the baseline {shown!r} is no complete JSON: {error}") from error
    return _read(Place(document, shown), shown)


def write_baseline(path: StrPath, baseline: Baseline) -> None:
    """Write a baseline, whole or not at all; the same values always make the same text.

    Raises:
        UsageError: It cannot be written.
    """
    document = {
        "baseline": VERSION,
        "tolerance": baseline.tolerance,
        "ignore": [_rule_to_json(rule) for rule in baseline.rules],
        "known": {name: _entry_to_json(baseline.known[name]) for name in sorted(baseline.known)},
    }
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def rounded(number: float) -> float:
    """A figure with three digits: the fourth differs from run to run."""
    short = float(f"{number:.3g}")
    return int(short) if short.is_integer() else short


def _read(whole: Place, shown: str) -> Baseline:
    document = whole.value
    # A report tells how its run stood against a baseline, by the same name.
    is_report = isinstance(document, dict) and ("verdict" in document or "runs" in document)
    if is_report:
        raise UsageError(f"{shown!r} is no baseline of pytest-reqleak but a report of a run")
    if not isinstance(document, dict) or "baseline" not in document:
        raise UsageError(
            f"{shown!r} is no baseline of pytest-reqleak but something else: it has no 'baseline'"
        )
    version = whole["baseline"].count()
    if version > VERSION:
        raise UsageError(
            f"the baseline {shown!r} was written by a newer pytest-reqleak (version {version}, "
            f"this one reads up to {VERSION}); update pytest-reqleak to read it"
        )
    _refuse_unknown(whole, ("baseline", "tolerance", "ignore", "known"))
    return Baseline(
        file=shown,
        tolerance=_tolerance(whole.optional("tolerance", DEFAULT_TOLERANCE)),
        rules=tuple(_read_rule(rule) for rule in whole.optional("ignore", [])),
        known={name: _read_entry(entry) for name, entry in whole.optional("known", {}).entries()},
    )


def _read_entry(entry: Place) -> Entry:
    _refuse_unknown(
        entry, ("bytes_per_iteration", "blocks_per_iteration", "tolerance", "sites", "counts", "reason")
    )
    tolerance, blocks = entry.optional("tolerance", None), entry.optional("blocks_per_iteration", None)
    return Entry(
        bytes_per_iteration=entry["bytes_per_iteration"].number(),
        blocks_per_iteration=None if blocks.is_null else blocks.number(),
        tolerance=None if tolerance.is_null else _tolerance(tolerance),
        sites={name: size.number() for name, size in entry.optional("sites", {}).entries()},
        counts={name: count.number() for name, count in entry.optional("counts", {}).entries()},
        reason=entry.optional("reason", "").text(),
    )


def _read_rule(rule: Place) -> Rule:
    _refuse_unknown(rule, (*_PATTERNS, "reason"))
    patterns = {name: rule[name].text() for name in _PATTERNS if name in rule.value}
    empty = next((name for name, pattern in patterns.items() if not pattern.strip()), None)
    if empty is not None:
        rule[empty].refuse("must be a pattern such as 'shop/legacy/*'")
    if not patterns:
        rule.refuse(f"must name what to ignore: one of {', '.join(_PATTERNS)}")
    evidence = [name for name in patterns if name != "endpoint"]
    if len(evidence) > 1:
        rule.refuse(f"must not name both {evidence[0]} and {evidence[1]}: write a rule for each")
    if "reason" not in rule.value or not rule["reason"].text().strip():
        raise UsageError(f"{rule.where}: field 'reason' is missing: say why this is ignored")
    return Rule(reason=rule["reason"].text(), **patterns)


def _tolerance(share: Place) -> float:
    number = share.number()
    if not 0 <= number <= 10:
        share.refuse("must be a share such as 0.2, which is 20 %")
    return number


def _refuse_unknown(place: Place, known: tuple[str, ...]) -> None:
    for name, _ in place.entries():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"{place.where}: unknown field {name!r}; {hint}")


def _rule_to_json(rule: Rule) -> dict[str, str]:
    patterns = {name: getattr(rule, name) for name in _PATTERNS if getattr(rule, name)}
    return {**patterns, "reason": rule.reason}


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    document: dict[str, Any] = {"bytes_per_iteration": rounded(entry.bytes_per_iteration)}
    if entry.blocks_per_iteration is not None:
        document["blocks_per_iteration"] = rounded(entry.blocks_per_iteration)
    if entry.tolerance is not None:
        document["tolerance"] = entry.tolerance
    if entry.sites:
        document["sites"] = {name: rounded(entry.sites[name]) for name in sorted(entry.sites)}
    if entry.counts:
        document["counts"] = {name: rounded(entry.counts[name]) for name in sorted(entry.counts)}
    if entry.reason:
        document["reason"] = entry.reason
    return document
