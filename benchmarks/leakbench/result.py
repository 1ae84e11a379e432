"""What every tool is told, and what each says about a case."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.leakbench.case import Case
from benchmarks.leakbench.judge import Mark


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How every case is run."""

    iterations: int | None = None
    """None: the default, or the length at which a leak was verified."""
    server: str = "direct"
    concurrency: int = 1
    timeout: float = 300.0
    """Seconds for one case."""
    extra: tuple[str, ...] = ()
    """More arguments of `reqleak check`."""
    keep: Path | None = None
    """Where each run's JSON and output stay; None: nowhere."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a tool said about one case, and whether it was right."""

    case: Case
    verdict: str
    mark: Mark
    tool: str = "reqleak"
    site: bool | None = None
    """Whether the right site was among the first; None: there is none to name."""
    holder: bool | None = None
    requests: int | None = None
    """All that were sent, warm-up and confirmation included."""
    bytes_per_iteration: float | None = None
    seconds: float = 0.0
    """Of the whole command: interpreter, imports, run, evidence and report."""
    bare_seconds: float | None = None
    """Of a command that only sends as many requests; None: not measured."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times longer the tool took than the requests alone."""
        return self.seconds / self.bare_seconds if self.bare_seconds else None

    def as_json(self) -> dict[str, Any]:
        """The result as JSON values: what the tool said, and the truth beside it."""
        return {
            "tool": self.tool,
            "case": self.case.name,
            "expected": self.case.expected,
            "verdict": self.verdict,
            "mark": self.mark.value,
            "site": self.site,
            "holder": self.holder,
            "requests": self.requests,
            "bytes_per_iteration": self.bytes_per_iteration,
            "true_bytes_per_iteration": self.case.bytes_per_request,
            "seconds": round(self.seconds, 2),
            "bare_seconds": None if self.bare_seconds is None else round(self.bare_seconds, 2),
            "note": self.note,
        }


def stored(file: Path, cases: Sequence[Case]) -> list[Result]:
    """Read the results of an earlier run back; what it says of other cases is left out.

    Raises:
        ValueError, KeyError: The file is not one that `--json` has written.
    """
    by_name = {case.name: case for case in cases}
    return [
        Result(
            case=by_name[said["case"]],
            tool=said["tool"],
            verdict=said["verdict"],
            mark=Mark(said["mark"]),
            site=said["site"],
            holder=said["holder"],
            requests=said["requests"],
            bytes_per_iteration=said["bytes_per_iteration"],
            seconds=said["seconds"],
            bare_seconds=said["bare_seconds"],
            note=said["note"],
        )
        for said in json.loads(file.read_text("utf-8"))
        if said["case"] in by_name
    ]


def failed(case: Case, note: str, seconds: float = 0.0, tool: str = "reqleak") -> Result:
    """The result of a case that could not be run."""
    return Result(case=case, verdict="error", mark=Mark.ERROR, seconds=seconds, note=note, tool=tool)
