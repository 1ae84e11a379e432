"""Put together what a run decided and found: the `Run` that every report reads.

Knows how the sources of a figure complete each other (tracer, heap, blocks) and
which doubts a reader should hear of. It sends nothing and decides nothing.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_reqleak.analysis import floors
from pytest_reqleak.analysis.classify import Parts, cause_growth, parts_of, refine
from pytest_reqleak.analysis.dressing import dressed
from pytest_reqleak.analysis.ranking import line_sites, rank_sites
from pytest_reqleak.analysis.verdict import Decision, Note, Outcome
from pytest_reqleak.evidence import Deeper, Traced
from pytest_reqleak.model.finding import CauseGrowth, Caveat, Culprit, Cycle, Holder, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.raw import HEAP, RawLine, RawSite
from pytest_reqleak.model.run import Run, ServerInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.sample import Samples


# Blocks of the meter for each one of the tracer, below which the sites are scaled down.
_BORNE_OUT = 0.8

# Lines that account for so much of the growth need no other witness.
_EXPLAINED = 0.9

# An entry that is made of five objects is then rarer than one in 500 iterations, as is one of one.
_RARE_BLOCKS = 0.01


@dataclass(frozen=True, slots=True)
class Counted:
    """A container that grows for ever, as its length tells, where the readings of memory do not."""

    path: str
    bytes_per_iteration: float
    blocks_per_iteration: float
    text: str
    """What grows, as a clause."""


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found so far; filled in the course of a run."""

    traced: Traced = field(default_factory=Traced)
    types: tuple[TypeGrowth, ...] = ()
    holders: tuple[Holder, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    lines: tuple[RawLine, ...] = ()
    """Which lines add to the holders, and to the C heap."""
    garbage: tuple[RawSite, ...] = ()
    """What was allocated for garbage that nobody collects."""
    native: tuple[RawSite, ...] = ()
    """What C and Rust code allocates, where Python's tracer explains too little."""
    counted: Counted | None = None
    """The container whose length alone tells of the growth."""
    keyed_by_input: bool = False
    """Whether the growth stopped when inputs were sent again."""
    expiring: str = ""
    """The path of a container whose entries say when they end, and were seen to be taken out then."""
    grows_on_replay: bool = False
    """Whether it went on when inputs were sent again: a cache keyed by them is not all that grows."""
    caveats: list[Caveat] = field(default_factory=list)

    def doubt(self, slug: str, text: str) -> None:
        """Keep a doubt for the report."""
        self.caveats.append(Caveat(slug=slug, text=text))

    def note(self, note: Note) -> None:
        """Keep what the analysis has noted, where no decision carries it."""
        self.doubt(note.slug, note.text)

    def bytes_per_iteration(self, decision: Decision) -> float:
        """What each iteration leaves behind, from the best source there is."""
        if decision.outcome is Outcome.CLEAN or not decision.grows:
            return 0.0
        return self.parts(decision).total

    def add(self, deeper: Deeper) -> None:
        """Take what was asked after the verdict."""
        self.lines, self.cycles, self.garbage = deeper.lines, deeper.cycles, deeper.garbage
        if deeper.garbage:
            # Our own collections have freed it before anything was counted; in production it stays.
            known = {growth.type for growth in self.types}
            in_cycles = [growth for cycle in deeper.cycles for growth in cycle.types]
            fresh = {growth.type: growth for growth in in_cycles if growth.type not in known}
            named = sorted(fresh.values(), key=lambda growth: "." not in growth.type)
            self.types = (*named, *self.types)
        told = any(line.gauge == HEAP for line in deeper.lines)
        # What the heap watch tells is exact; a trace that saw only part of it is not.
        self.native = () if told else deeper.native
        for slug, text in deeper.notes:
            self.doubt(slug, text)

    def parts(self, decision: Decision) -> Parts:
        """Where the bytes lie that an iteration leaves behind."""
        rates = _rates(decision)
        growing = [growth.meter for growth in decision.growth if growth.grows]
        if decision.outcome is Outcome.INCONCLUSIVE:
            # What is not settled has no flag of its own yet.
            growing = list(decision.grows)
        if self.counted is not None:
            return Parts(python=self.counted.bytes_per_iteration)
        parts = parts_of(
            rates, growing, sites=self.traced.sites, traced_bytes=self.traced.bytes_per_iteration
        )
        # What our own collections free shows on no meter of memory, and stays where nobody collects.
        garbage = sum(site.bytes_per_iteration for site in self.garbage)
        resident = rates.get(Meter.RSS_BYTES, 0.0) if Meter.THREADS in growing else 0.0
        # The stack of a thread is mapped by the system: neither Python's nor the heap's.
        stacks = max(0.0, resident - parts.total)
        return replace(parts, python=parts.python + garbage, outside=max(parts.outside, stacks))

    def _native_sites(self, decision: Decision) -> Sequence[RawSite]:
        """The sites of native code, no more of them than has become resident.

        A library maps memory in large pieces and uses little of them; where no tracer
        saw the allocation, the line of Python that made the heap rise stands for it.
        """
        parts = self.parts(decision)
        sites = self.native or line_sites(self.lines, parts.native + parts.outside)
        traced = sum(site.bytes_per_iteration for site in sites)
        return _scaled(sites, min(1.0, (parts.native + parts.outside) / traced)) if traced > 0 else ()

    def _seen_once(self, decision: Decision) -> list[RawSite]:
        """The sites of Python's tracer and those of native code, none of them for the same memory.

        Where only the C heap grows, both may have seen it: an array that is made anew, one
        longer each time, is known to Python's tracer, and is no block more.
        """
        python, native = self._python_sites(decision), self._native_sites(decision)
        parts = self.parts(decision)
        if native and parts.python <= 0:
            seen = sum(site.bytes_per_iteration for site in python)
            return list(python if seen >= _EXPLAINED * parts.total else native)
        return [*python, *native]

    def _python_sites(self, decision: Decision) -> Sequence[RawSite]:
        """The traced sites, no more of them than the meter of live blocks bears out.

        A cache that is full and turns over grows under a tracer until all of its
        entries are newer than the tracer; the meter knows that nothing grows.
        """
        sites = self.traced.sites
        if self.counted is not None:
            return line_sites(
                self.lines,
                self.counted.bytes_per_iteration,
                total_blocks=self.counted.blocks_per_iteration,
                gauge=self.counted.path,
                native=False,
            )
        blocks = next((g.per_iteration for g in decision.growth if g.meter is Meter.LIVE_BLOCKS), None)
        traced = sum(site.blocks_per_iteration for site in sites)
        if blocks is None or traced <= 0 or blocks >= _BORNE_OUT * traced:
            return sites
        return _scaled(sites, max(0.0, blocks) / traced)

    def grows_over_all(self, share: float) -> None:
        """Take back that the growth is keyed by the input: it went on while inputs were sent again.

        Args:
            share: Of all iterations, that of those whose input was new: the figures are per one of them.
        """
        self.keyed_by_input, self.grows_on_replay = False, True
        self.holders = tuple(
            replace(one, growth_per_iteration=one.growth_per_iteration * share) for one in self.holders
        )
        self.types = tuple(replace(one, per_iteration=one.per_iteration * share) for one in self.types)

    def run(
        self,
        decision: Decision,
        *,
        plan: Plan,
        target: str,
        server: ServerInfo,
        requests: tuple[str, ...],
        iterations: int,
        batches: int,
        warmup_iterations: int,
        total_iterations: int,
        samples: Samples,
        seconds: Mapping[str, float],
    ) -> Run:
        """Make the result."""
        verdict = Verdict(decision.outcome.value)
        per_iteration = self.bytes_per_iteration(decision)
        classification, causes = self._kinds(decision, "request" if requests else "iteration")
        sites: tuple[Site, ...] = ()
        explained: float | None = None
        holders = dressed(self.holders, self.lines)
        traced = self.traced.bytes_per_iteration is not None or self.counted is not None
        if verdict is not Verdict.CLEAN and traced:
            sites, explained = rank_sites(
                [*self._seen_once(decision), *self.garbage],
                per_iteration,
                holders=holders,
                types=self.types,
            )
        return Run(
            verdict=verdict,
            reason=self._reason(decision),
            classification=classification,
            target=target,
            server=server,
            requests=requests,
            iterations=iterations,
            batches=batches,
            warmup_iterations=warmup_iterations,
            total_iterations=total_iterations,
            bytes_per_iteration=per_iteration,
            blocks_per_iteration=_slope(decision, Meter.LIVE_BLOCKS),
            threshold=plan.threshold,
            growth=decision.growth,
            samples=samples,
            sites=sites,
            explained=explained,
            types=self.types if verdict is Verdict.LEAK else (),
            holders=holders if verdict is not Verdict.CLEAN else (),
            cycles=self.cycles,
            causes=causes,
            culprits=self.culprits,
            caveats=(*self.caveats, *self._doubts(decision)),
            seconds=seconds,
            environment=_environment(plan, server),
        )

    def _kinds(self, decision: Decision, unit: str) -> tuple[tuple[Cause, ...], tuple[CauseGrowth, ...]]:
        classification, parts = decision.classification, self.parts(decision)
        if self.counted is not None:
            return classification, (
                CauseGrowth(cause=Cause.PYTHON, bytes_per_iteration=parts.python, text=self.counted.text),
            )
        if decision.outcome is Outcome.LEAK and self.traced.bytes_per_iteration is not None:
            classification = refine(classification, parts)
        causes = cause_growth(
            classification,
            _rates(decision),
            decision.grows,
            parts,
            holders=self.holders,
            unit=unit,
            estimated=self.traced.bytes_per_iteration is None,
        )
        return classification, causes

    def _reason(self, decision: Decision) -> str:
        if decision.outcome is Outcome.LEAK and self.keyed_by_input:
            return (
                f"{decision.reason}; it stops when the same inputs are sent again, "
                "so it is a cache keyed by the input, without a bound that we know"
            )
        return decision.reason

    def _doubts(self, decision: Decision) -> list[Caveat]:
        doubts = [Caveat(slug=note.slug, text=note.text) for note in decision.notes]
        if decision.outcome is not Outcome.LEAK or self.counted is not None:
            return doubts
        if not self.traced.frames:
            doubts.append(
                Caveat(
                    slug="bytes-estimated",
                    text="no tracer ran, so the bytes per iteration are estimated from the meters",
                )
            )
        elif not self.holders and not {Cause.RESOURCE, Cause.CYCLES} & set(decision.classification):
            rare = Meter.LIVE_BLOCKS in decision.grows and _slope(decision, Meter.LIVE_BLOCKS) < _RARE_BLOCKS
            why = (
                "; one that gets less than an entry in 500 is not looked for"
                if rare
                else ": native code holds it, the objects hold each other, or many small containers hold "
                "a few each"
            )
            doubts.append(Caveat(slug="no-holder", text=f"no container was found to grow with it{why}"))
        return doubts


def _scaled(sites: Sequence[RawSite], share: float) -> list[RawSite]:
    return [
        replace(
            site,
            bytes_per_iteration=site.bytes_per_iteration * share,
            blocks_per_iteration=site.blocks_per_iteration * share,
        )
        for site in sites
    ]


def estimate_bytes(decision: Decision) -> float:
    """Bytes per iteration from the passive meters alone."""
    slopes = {growth.meter: growth.per_iteration for growth in decision.growth if growth.grows}
    estimate = floors.estimate_bytes(slopes)
    return estimate if estimate > 0 else max(slopes.get(Meter.RSS_BYTES, 0.0), 0.0)


def _rates(decision: Decision) -> dict[Meter, float]:
    return {growth.meter: growth.per_iteration for growth in decision.growth}


def _slope(decision: Decision, meter: Meter) -> float:
    return next((growth.per_iteration for growth in decision.growth if growth.meter is meter), 0.0)


def _environment(plan: Plan, server: ServerInfo) -> dict[str, str]:
    from pytest_reqleak import __version__

    here = os.environ.get("PYTHONMALLOC") or "pymalloc"

    return {
        "pytest-reqleak": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{sys.platform} {platform.machine()}",
        # Of the process that was measured.
        "allocator": ", ".join(filter(None, (server.python_malloc or here, server.allocator))),
        "concurrency": str(plan.concurrency),
        "gc": plan.gc,
        "trace": plan.trace,
        "tracer": plan.tracer,
    }
