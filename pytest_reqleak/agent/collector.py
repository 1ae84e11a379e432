"""The cyclic collector of this process: who calls it, who has switched it off, what it has frozen.

Only this file collects and freezes for the agent, so it knows which
collections were ours and which the app's.
"""

from __future__ import annotations

import gc
import sys
import time
from array import array
from collections.abc import Callable

STAGE_SECONDS = 10.0
"""What the collections of an unfrozen stage may take: two per sample, each through the whole heap."""

LEAST_SAMPLES = 12
"""However large the heap: two for each of the six floors that the analysis looks at."""

# Finalisers may make new garbage; three rounds are what CPython's own leak tests settle for.
_ROUNDS = 3


class Collector:
    """Collects and freezes between batches, or leaves that to the app."""

    def __init__(self) -> None:
        self.collects = True
        """Whether garbage is collected before each sample; else that is left to the app."""
        self.freezes = True
        """Whether what survives is frozen, so that later collections are cheap."""
        self.app_froze = False
        """Whether the app has frozen objects since we came, as far as was looked."""
        self._found_frozen = gc.get_freeze_count()
        self._frozen_before = self._found_frozen
        # Made after our freeze: where the collector does not list it, somebody else froze too.
        # Counting what is frozen would go through all of it.
        self._unfrozen: list[None] | None = None
        self._thawed = False
        self._first = _full_collections()
        # Arrays: a float, or an int beyond 256, is a live block of our own.
        self._seconds = array("d", [0.0])
        self._ours = array("q", [0])

    @property
    def is_off(self) -> bool:
        """Whether the app has switched the collector off and does not call it by hand either."""
        switched_off = not gc.isenabled() or gc.get_threshold()[0] == 0
        return switched_off and self.app_collections == 0

    @property
    def app_collections(self) -> int:
        """Full collections since the beginning that were not ours."""
        return _full_collections() - self._first - self._ours[0]

    def collect(self, *, rounds: int = _ROUNDS) -> int:
        """Empty the interpreter's own caches, and collect until nothing more is freed.

        Args:
            rounds: As many collections at most.

        Returns:
            How many objects were in cycles that nothing reached any more; 0 where
            collecting is the app's business.
        """
        return self.collect_anyway(rounds=rounds) if self.collects else 0

    def collect_anyway(self, *, rounds: int = _ROUNDS) -> int:
        """As `collect`, whoever's business it is."""
        _clear_interpreter_caches()
        found = 0
        # A round through the whole heap is dear, and the next sample's is another one.
        for _ in range(rounds if self.freezes else 1):
            unreachable = self._collect()
            found += unreachable
            if not unreachable:
                break
        return found

    def empty_free_lists(self) -> None:
        """Empty the interpreter's free lists, which count as live blocks; only a full collection does."""
        if self.collects:
            self._collect()

    def _collect(self) -> int:
        if self.freezes:
            self._ours[0] += 1
            return gc.collect()
        # Only here: a float that is made after the collection stays in a free list, as a live block.
        begun = time.perf_counter()
        found = gc.collect()
        self._seconds[0] = time.perf_counter() - begun
        self._ours[0] += 1
        return found

    @property
    def most_samples(self) -> int | None:
        """How many samples of a stage are affordable; None: any number, as what lives is frozen."""
        if self.freezes or not self.collects:
            return None
        if not self._seconds[0]:
            self._collect()
        return max(LEAST_SAMPLES, int(STAGE_SECONDS / (2 * max(self._seconds[0], 1e-6))))

    def freeze(self) -> None:
        """Take what lives now out of the collector's sight."""
        if self.collects and self.freezes:
            self._look_for_app_freeze()
            gc.freeze()
            self._unfrozen = []

    def thaw(self) -> None:
        """Give back what was frozen, by the app too; where collecting is the app's business, nothing."""
        if self.collects:
            self.thaw_anyway()

    def thaw_anyway(self) -> None:
        """As `thaw`, whoever's business it is."""
        self._look_for_app_freeze()
        gc.unfreeze()
        self._unfrozen = None
        self._frozen_before = 0
        self._thawed = True

    def _look_for_app_freeze(self) -> None:
        if self.app_froze:
            return
        mark = self._unfrozen
        if mark is None:
            self.app_froze = gc.get_freeze_count() > self._frozen_before
        else:
            self.app_froze = all(thing is not mark for thing in gc.get_objects())

    def restore(self) -> None:
        """Leave the collector as it was found: frozen only if the app had frozen."""
        if not self._thawed and not self.collects:
            return
        self.thaw_anyway()
        if self._found_frozen or self.app_froze:
            gc.freeze()


def _full_collections() -> int:
    return int(gc.get_stats()[-1]["collections"])


# The interpreter's cache of attribute look-ups keeps up to 4,096 names alive that were made
# for one `getattr(visitor, f"visit_{kind}")`: a plateau that takes thousands of requests,
# and is begun anew by whatever else runs in between. Emptying it takes 5 us.
def _find_cache_clearer() -> Callable[[], object]:
    for name in ("_clear_internal_caches", "_clear_type_cache"):
        clear: Callable[[], object] | None = getattr(sys, name, None)
        if clear is not None:
            return clear
    return lambda: None


_clear_interpreter_caches = _find_cache_clearer()
