"""Put together what a run decided and found: the `Run` that every report reads.

Knows how the sources of a figure complete each other (tracer, heap, blocks) and
which doubts a reader should hear of. It sends nothing and decides nothing.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.ranking import rank_sites
from pytest_reqleak.analysis.verdict import Decision, Outcome
from pytest_reqleak.evidence import Traced
from pytest_reqleak.model.finding import Caveat, Culprit, Holder, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.run import Run, ServerInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.sample import Samples

# A block of a web app's objects has 60 to 90 bytes (233 KB in 2,900 blocks of a FastAPI
# endpoint); it only serves where no tracer ran.
BLOCK_BYTES = 72

# pymalloc serves up to here; larger objects come from the C heap and are counted there too.
_LARGEST_SMALL_OBJECT = 512

# What the heap shows above the traced bytes counts as native only from here: allocators round
# up, and a request's buffers move.
_NATIVE_SHARE, _NATIVE_BYTES = 0.1, 16.0


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found so far; filled in the course of a run."""

    traced: Traced = field(default_factory=Traced)
    types: tuple[TypeGrowth, ...] = ()
    holders: tuple[Holder, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    keyed_by_input: bool = False
    """Whether the growth stopped when inputs were sent again."""
    caveats: list[Caveat] = field(default_factory=list)

    def doubt(self, slug: str, text: str) -> None:
        """Keep a doubt for the report."""
        self.caveats.append(Caveat(slug=slug, text=text))

    def bytes_per_iteration(self, decision: Decision) -> float:
        """What each iteration leaves behind, from the best source there is.

        The tracer knows how large a block is, the passive meter how many stay: it counts
        them over far more iterations than a window of the tracer has, so a buffer that
        happens to fill in the windows does not pass for growth.
        """
        if decision.outcome is Outcome.CLEAN or not decision.grows:
            return 0.0
        traced = self.traced.bytes_per_iteration
        if traced is None:
            return estimate_bytes(decision)
        sites = self.traced.sites
        traced_blocks = sum(site.blocks_per_iteration for site in sites)
        blocks = _slope(decision, Meter.LIVE_BLOCKS)
        python = traced * blocks / traced_blocks if traced_blocks > 0 and blocks > 0 else 0.0
        heap = next((g for g in decision.growth if g.meter is Meter.HEAP_BYTES), None)
        if heap is None or not heap.grows:
            return python or estimate_bytes(decision)
        # Objects above 512 bytes come from the C heap, where they are counted a second time.
        large = sum(
            site.bytes_per_iteration
            for site in sites
            if site.bytes_per_iteration > _LARGEST_SMALL_OBJECT * max(site.blocks_per_iteration, 1e-9)
        )
        large *= python / traced if traced > 0 else 0.0
        native = heap.per_iteration - large
        return python + native if native > _NATIVE_SHARE * python + _NATIVE_BYTES else python

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
        sites: tuple[Site, ...] = ()
        explained: float | None = None
        if verdict is not Verdict.CLEAN and self.traced.bytes_per_iteration is not None:
            sites, explained = rank_sites(self.traced.sites, per_iteration, holders=self.holders)
        return Run(
            verdict=verdict,
            reason=self._reason(decision),
            classification=decision.classification,
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
            holders=self.holders if verdict is not Verdict.CLEAN else (),
            culprits=self.culprits,
            caveats=(*self.caveats, *self._doubts(decision)),
            seconds=seconds,
            environment=_environment(plan),
        )

    def _reason(self, decision: Decision) -> str:
        if decision.outcome is Outcome.LEAK and self.keyed_by_input:
            return (
                f"{decision.reason}; it stops when the same inputs are sent again, "
                "so it is a cache keyed by the input, without a bound that we know"
            )
        return decision.reason

    def _doubts(self, decision: Decision) -> list[Caveat]:
        doubts = [Caveat(slug=note.slug, text=note.text) for note in decision.notes]
        if decision.outcome is not Outcome.LEAK:
            return doubts
        if not self.traced.frames:
            doubts.append(
                Caveat(
                    slug="bytes-estimated",
                    text="no tracer ran, so the bytes per iteration are estimated from the meters",
                )
            )
        elif not self.holders and Cause.RESOURCE not in decision.classification:
            doubts.append(
                Caveat(
                    slug="no-holder",
                    text="no Python container grew with it: native code holds it, "
                    "or the objects hold each other",
                )
            )
        return doubts


def estimate_bytes(decision: Decision) -> float:
    """Bytes per iteration from the passive meters alone."""
    slopes = {growth.meter: growth.per_iteration for growth in decision.growth if growth.grows}
    blocks = slopes.get(Meter.LIVE_BLOCKS, 0.0) * BLOCK_BYTES
    estimate = max(blocks, 0.0) + max(slopes.get(Meter.HEAP_BYTES, 0.0), 0.0)
    return estimate if estimate > 0 else max(slopes.get(Meter.RSS_BYTES, 0.0), 0.0)


def _slope(decision: Decision, meter: Meter) -> float:
    return next((growth.per_iteration for growth in decision.growth if growth.meter is meter), 0.0)


def _environment(plan: Plan) -> dict[str, str]:
    from pytest_reqleak import __version__

    return {
        "pytest-reqleak": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{sys.platform} {platform.machine()}",
        "allocator": os.environ.get("PYTHONMALLOC") or "pymalloc",
        "concurrency": str(plan.concurrency),
        "trace": plan.trace,
        "tracer": plan.tracer,
    }
