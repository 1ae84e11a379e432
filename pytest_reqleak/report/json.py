"""A run as JSON, and JSON as a run.

Knows the shape of the documents (`schema/run-v1.json` says it to machines) and
refuses what has another one; not what a verdict means.

A number that JSON cannot say appears in one place only: the end of a growth's
interval, where null means that this end is unbounded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.finding import (
    Caveat,
    Culprit,
    Growth,
    TypeGrowth,
)
from pytest_reqleak.model.meter import Cause, Meter, Phase, Verdict
from pytest_reqleak.model.run import SCHEMA_VERSION, Run, ServerInfo
from pytest_reqleak.model.sample import Samples
from pytest_reqleak.report.files import StrPath, check_writable, write_text
from pytest_reqleak.report.json_findings import (
    baselined_from_json,
    baselined_to_json,
    cause_growth_from_json,
    cycle_from_json,
    cycle_to_json,
    holder_from_json,
    holder_to_json,
    site_from_json,
    site_to_json,
)
from pytest_reqleak.report.place import Place

__all__ = ["check_writable", "read_runs", "run_from_json", "run_to_json", "schema", "write_run", "write_runs"]


def run_to_json(run: Run) -> dict[str, Any]:
    """Turn a run into the document of one run: plain dicts, lists, text and numbers."""
    return {
        "schema": SCHEMA_VERSION,
        "verdict": str(run.verdict),
        "reason": run.reason,
        "classification": [str(cause) for cause in run.classification],
        "target": run.target,
        "server": {
            "name": run.server.name,
            "version": run.server.version,
            "interface": run.server.interface,
            "pid": run.server.pid,
            "isolated": run.server.isolated,
            "allocator": run.server.allocator,
            "python_malloc": run.server.python_malloc,
            "arguments": list(run.server.arguments),
        },
        "requests": list(run.requests),
        "iterations": run.iterations,
        "batches": run.batches,
        "warmup_iterations": run.warmup_iterations,
        "total_iterations": run.total_iterations,
        "bytes_per_iteration": run.bytes_per_iteration,
        "blocks_per_iteration": run.blocks_per_iteration,
        "threshold": run.threshold,
        "growth": [_growth_to_json(growth) for growth in run.growth],
        "samples": _samples_to_json(run.samples),
        "sites": [site_to_json(site) for site in run.sites],
        "explained": run.explained,
        "types": [{"type": kind.type, "per_iteration": kind.per_iteration} for kind in run.types],
        "holders": [holder_to_json(holder) for holder in run.holders],
        "causes": [
            {"cause": str(part.cause), "bytes_per_iteration": part.bytes_per_iteration, "text": part.text}
            for part in run.causes
        ],
        "culprits": [
            {
                "request": culprit.request,
                "bytes_per_iteration": culprit.bytes_per_iteration,
                "note": culprit.note,
            }
            for culprit in run.culprits
        ],
        "cycles": [cycle_to_json(cycle) for cycle in run.cycles],
        "caveats": [{"slug": caveat.slug, "text": caveat.text} for caveat in run.caveats],
        "seconds": dict(run.seconds),
        "environment": dict(run.environment),
        "test": run.test,
        "baseline": None if run.baseline is None else baselined_to_json(run.baseline),
    }


def run_from_json(document: Any, *, place: str = "run") -> Run:
    """Read the document of one run.

    Unknown keys are passed over: a later version may say more about the same run.

    Args:
        document: What `json.loads` gave.
        place: Where it came from; begins every message.

    Raises:
        UsageError: A newer schema, or a field that is missing or has a wrong value; it is named.
    """
    return _read_run(Place(document, place))


def _read_run(whole: Place) -> Run:
    _check_version(whole)
    server = whole["server"]
    return Run(
        verdict=whole["verdict"].word(Verdict),
        reason=whole["reason"].text(),
        classification=tuple(cause.word(Cause) for cause in whole["classification"]),
        target=whole["target"].text(),
        server=ServerInfo(
            name=server["name"].text(),
            version=server["version"].text(),
            interface=server["interface"].text(),
            pid=server["pid"].count(),
            isolated=server.optional("isolated", False).truth(),
            allocator=server.optional("allocator", "").text(),
            python_malloc=server.optional("python_malloc", "").text(),
            arguments=tuple(argument.text() for argument in server.optional("arguments", [])),
        ),
        requests=tuple(title.text() for title in whole["requests"]),
        iterations=whole["iterations"].count(),
        batches=whole["batches"].count(),
        warmup_iterations=whole["warmup_iterations"].count(),
        total_iterations=whole["total_iterations"].count(),
        bytes_per_iteration=whole["bytes_per_iteration"].number(),
        blocks_per_iteration=whole["blocks_per_iteration"].number(),
        threshold=whole["threshold"].number(),
        growth=tuple(_growth_from_json(growth) for growth in whole["growth"]),
        samples=_samples_from_json(whole["samples"]),
        sites=tuple(site_from_json(site) for site in whole["sites"]),
        explained=None if whole["explained"].is_null else whole["explained"].number(),
        types=tuple(
            TypeGrowth(type=kind["type"].text(), per_iteration=kind["per_iteration"].number())
            for kind in whole["types"]
        ),
        holders=tuple(holder_from_json(holder) for holder in whole["holders"]),
        culprits=tuple(
            Culprit(
                request=culprit["request"].text(),
                bytes_per_iteration=culprit["bytes_per_iteration"].number(),
                note=culprit.optional("note", "").text(),
            )
            for culprit in whole["culprits"]
        ),
        caveats=tuple(
            Caveat(slug=caveat["slug"].text(), text=caveat["text"].text()) for caveat in whole["caveats"]
        ),
        seconds={name: spent.number() for name, spent in whole["seconds"].entries()},
        environment={name: value.text() for name, value in whole["environment"].entries()},
        # What came to schema 1 later: documents of before do without.
        test=whole.optional("test", "").text(),
        causes=tuple(cause_growth_from_json(part) for part in whole.optional("causes", [])),
        cycles=tuple(cycle_from_json(cycle) for cycle in whole.optional("cycles", [])),
        baseline=baselined_from_json(whole.optional("baseline", None)),
    )


def json_report(runs: Sequence[Run], *, session: bool = False) -> str:
    """Render one run as one object, and several, or those of a session, as `{"schema": 1, "runs": [...]}`."""
    return _text(run_to_json(runs[0]) if len(runs) == 1 and not session else _session_to_json(runs))


def write_run(path: StrPath, run: Run) -> None:
    """Write one run as one object, whole or not at all.

    Raises:
        UsageError: `path` cannot be written.
    """
    write_text(path, _text(run_to_json(run)))


def write_runs(path: StrPath, runs: Sequence[Run]) -> None:
    """Write the runs of a session as `{"schema": 1, "runs": [...]}`, whole or not at all.

    Raises:
        UsageError: There is no run, or `path` cannot be written; nothing was overwritten.
    """
    if not runs:
        raise UsageError(f"no run to write to {str(path)!r}: nothing was measured")
    write_text(path, _text(_session_to_json(runs)))


def _session_to_json(runs: Sequence[Run]) -> dict[str, Any]:
    return {"schema": SCHEMA_VERSION, "runs": [run_to_json(run) for run in runs]}


def read_runs(path: StrPath) -> tuple[Run, ...]:
    """Read a file of one run or of a session.

    Raises:
        UsageError: It is missing, cut short, no report, or of a newer schema.
    """
    shown = str(path)
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise UsageError(f"cannot read {shown!r}: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageError(
            f"{shown!r} is not complete JSON ({where}: {error.msg}); was it cut short?"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{shown!r} is no JSON report: {error}") from error
    whole = Place(document, shown)
    if isinstance(document, dict) and "runs" in document:
        _check_version(whole)
        return tuple(_read_run(run) for run in whole["runs"])
    return (_read_run(whole),)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every document we write obeys."""
    text = resources.files("pytest_reqleak.report").joinpath("schema/run-v1.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def _growth_to_json(growth: Growth) -> dict[str, Any]:
    return {
        "meter": str(growth.meter),
        "per_iteration": growth.per_iteration,
        "low": growth.low if math.isfinite(growth.low) else None,
        "high": growth.high if math.isfinite(growth.high) else None,
        "grows": growth.grows,
    }


def _growth_from_json(growth: Place) -> Growth:
    low, high = growth["low"], growth["high"]
    return Growth(
        meter=growth["meter"].word(Meter),
        per_iteration=growth["per_iteration"].number(),
        low=-math.inf if low.is_null else low.number(),
        high=math.inf if high.is_null else high.number(),
        grows=growth["grows"].truth(),
    )


def _samples_to_json(samples: Samples) -> dict[str, Any]:
    columns: dict[str, Any] = {"iterations": list(samples.iterations)}
    columns.update((str(meter), list(column)) for meter, column in samples.readings.items())
    columns["seconds"] = list(samples.seconds)
    columns["phase"] = [str(phase) for phase in samples.phases]
    return columns


def _samples_from_json(samples: Place) -> Samples:
    iterations = tuple(done.count() for done in samples["iterations"])
    seconds = tuple(moment.number() for moment in samples["seconds"])
    phases = tuple(phase.word(Phase) for phase in samples["phase"])
    # In the file's order, so that a document read and written again stays the same.
    readings = {
        Meter(name): tuple(value.whole() for value in column)
        for name, column in samples.entries()
        if name in [str(meter) for meter in Meter]
    }
    for name, column in (("seconds", seconds), ("phase", phases), *readings.items()):
        if len(column) != len(iterations):
            raise UsageError(
                f"{samples.where}.{name} has {len(column)} entries where "
                f"'iterations' has {len(iterations)}: every sample needs one"
            )
    if any(after < before for before, after in pairwise(iterations)):
        raise UsageError(f"{samples.where}.iterations must not fall from sample to sample")
    return Samples(iterations=iterations, seconds=seconds, phases=phases, readings=readings)


def _check_version(whole: Place) -> None:
    if not isinstance(whole.value, dict) or "schema" not in whole.value:
        raise UsageError(f"{whole.where}: is no report of pytest-reqleak: it has no 'schema'")
    version = whole["schema"].count()
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"{whole.where}: was written by a newer pytest-reqleak (schema {version}, "
            f"this one reads up to {SCHEMA_VERSION}); update pytest-reqleak to read it"
        )
    if version < 1:
        whole["schema"].refuse("must be at least 1")


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON number")


def _text(document: dict[str, Any]) -> str:
    return _lay_out(document) + "\n"


def _lay_out(value: Any, indent: str = "") -> str:
    """Print JSON with one object's field per line, and a list of plain values on one line.

    `json.dumps(indent=2)` would spread each sample of each meter over a line of its own.
    """
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        fields = [f"{json.dumps(name)}: {_lay_out(field, deeper)}" for name, field in value.items()]
        return "{\n" + ",\n".join(deeper + field for field in fields) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(entry, (dict, list)) for entry in value):
        return "[\n" + ",\n".join(deeper + _lay_out(entry, deeper) for entry in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)
