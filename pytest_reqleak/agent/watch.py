"""Which line makes a number rise: gauges that are read between the lines of the app.

A tracer says where memory was allocated; it cannot say which line put it into the
container that keeps it, and it does not see what C code allocates behind its back.
Here every line of the user's own code is an event, the gauges (entries of a
container, bytes of the C heap) are read at each, and what has changed belongs to
the line that ran before. Far too dear for a measurement, cheap enough for the few
requests that follow a verdict.

Knows threads, frames and numbers; not what the gauges mean.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType

from pytest_reqleak.agent.lines import Hooks, install
from pytest_reqleak.model.origin import CodeMap, Origin
from pytest_reqleak.model.raw import HEAP, RawFrame, RawLine

Gauge = Callable[[], int]
Stack = tuple[RawFrame, ...]
"""The innermost frame first."""

_MOST_DEEP = 200
_MOST_KEPT = 12
_WHOLE = 0.75


MOST_EVENTS = 500_000
"""Lines, calls and returns, some 5 s of them. Thousands of leaked tasks that look every half second
whether they may end leave a loop no time for requests while each of their lines is watched."""


class LineWatch:
    """Reads gauges between lines; `start`, let the app work, `reset`, let it work, `stop`.

    Args:
        gauges: Each returns a number at once and leaves nothing behind.
        code: Tells the user's lines from others.
        every_frame: Whether lines of libraries count too: several times dearer.
    """

    def __init__(self, gauges: Sequence[Gauge], *, code: CodeMap | None = None, every_frame: bool = False):
        self._gauges = tuple(gauges)
        self._code = code or CodeMap()
        self._every = every_frame
        self._is_watched: dict[str, bool] = {}
        self._at: dict[int, tuple[FrameType, int] | None] = {}
        self._left: dict[int, Stack] = {}
        # Of each gauge: by size, who has added so much that was not taken away since.
        self._open: list[dict[int, list[Stack]]] = [{} for _ in gauges]
        self._values: list[int] = []
        self._nets: list[dict[Stack, int]] = [{} for _ in gauges]
        self._events_left = MOST_EVENTS
        self._resting: int | None = None
        self._remove: Callable[[], None] | None = None

    def start(self) -> bool:
        """Begin; False where a debugger or a coverage tool is in the way."""
        self._values = [gauge() for gauge in self._gauges]
        hooks = Hooks(enter=self._enter, line=self._line, leave=self._leave, wants=self._wants)
        self._remove = install(hooks)
        return self._remove is not None

    def reset(self) -> None:
        """Forget what was seen so far: the first requests fill our own tables."""
        self._events_left = MOST_EVENTS
        for still in self._open:
            still.clear()
        for nets in self._nets:
            for stack in nets:
                nets[stack] = 0

    def rest(self) -> None:
        """Look away from what this thread does: the harness looks through the tasks of a loop."""
        self._resting = threading.get_ident()

    def go_on(self) -> None:
        """Look at this thread again; what it did meanwhile is nobody's."""
        thread, self._resting = self._resting, None
        if thread is not None:
            self._left.pop(thread, None)
            self._at.pop(thread, None)
            self._values = [gauge() for gauge in self._gauges]

    def stop(self) -> None:
        """End; may be called twice."""
        remove, self._remove = self._remove, None
        if remove is not None:
            remove()
        self._at.clear()
        self._left.clear()

    def nets(self, gauge: int) -> dict[Stack, int]:
        """What each stack added to one gauge, less what it took away; the empty stack is the rest."""
        return {stack: net for stack, net in self._nets[gauge].items() if net}

    def _wants(self, code: CodeType) -> bool:
        file = code.co_filename
        known = self._is_watched.get(file)
        if known is None:
            origin = self._code.origin(file)
            others = self._every and origin is not Origin.HARNESS and not file.startswith("<")
            known = origin is Origin.OWN or others
            self._is_watched[file] = known
        return known

    def _is_over(self) -> bool:
        self._events_left -= 1
        return self._events_left < 0 or threading.get_ident() == self._resting

    def _enter(self, frame: FrameType) -> None:
        if self._is_over():
            return
        thread = self._settle_up()
        self._at[thread] = (frame, frame.f_lineno)

    def _line(self, frame: FrameType, line: int) -> None:
        if self._is_over():
            return
        thread = self._settle_up()
        self._at[thread] = (frame, line)

    def _leave(self, frame: FrameType) -> None:
        if self._is_over():
            return
        thread = self._settle_up()
        # Its locals die only after this event, when the frame cannot be asked any more.
        self._left[thread] = self._stack(frame, frame.f_lineno)
        caller = self._watched(frame.f_back)
        self._at[thread] = None if caller is None else (caller, caller.f_lineno)

    def _settle_up(self) -> int:
        """Book what has changed since the last event, on the line that ran since then."""
        thread = threading.get_ident()
        left = self._left.pop(thread, None)
        for place, gauge in enumerate(self._gauges):
            change = gauge() - self._values[place]
            if change:
                stack = self._whose(change, place, thread, left)
                nets = self._nets[place]
                nets[stack] = nets.get(stack, 0) + change
        # What the booking itself has allocated is nobody's.
        for place, gauge in enumerate(self._gauges):
            self._values[place] = gauge()
        return thread

    def _whose(self, change: int, place: int, thread: int, left: Stack | None) -> Stack:
        """The stack that a change belongs to.

        What is freed belongs to whoever has added just as much last: the rest is what stays.
        """
        still = self._open[place]
        if change < 0:
            makers = still.get(-change)
            if makers:
                return makers.pop()
            if left is not None:
                return left
        at = self._at.get(thread)
        stack = () if at is None else self._stack(*at)
        if change > 0:
            still.setdefault(change, []).append(stack)
        return stack

    def _stack(self, frame: FrameType, line: int) -> Stack:
        found: list[RawFrame] = []
        here: FrameType | None = frame
        while here is not None and len(found) < _MOST_DEEP:
            code = here.f_code
            name = getattr(code, "co_qualname", code.co_name)
            found.append((code.co_filename, line if here is frame else here.f_lineno, name))
            here = self._watched(here.f_back)
        return tuple(found)

    def _watched(self, frame: FrameType | None) -> FrameType | None:
        """The next frame outwards whose lines are watched."""
        while frame is not None and not self._wants(frame.f_code):
            frame = frame.f_back
        return frame


class HolderWatch:
    """Watches gauges by name, and tells of each which stacks make it rise."""

    def __init__(self, gauges: Mapping[str, Gauge], *, every_frame: bool = False) -> None:
        """Take the gauges; nothing is watched yet.

        Args:
            gauges: By the path of a holder; threads and descriptors are known by how
                their paths begin, the C heap as `HEAP`.
            every_frame: Whether lines of libraries count like the user's own.
        """
        self._names = list(gauges)
        self._watch = LineWatch(list(gauges.values()), every_frame=every_frame)

    def start(self) -> bool:
        """Begin; False where a debugger or a coverage tool is in the way."""
        return self._watch.start()

    def reset(self) -> None:
        """Forget what was seen so far."""
        self._watch.reset()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Look away from what this thread does."""
        self._watch.rest()
        try:
            yield
        finally:
            self._watch.go_on()

    def end(self) -> tuple[RawLine, ...]:
        """Stop, and tell what was seen."""
        self._watch.stop()
        found: list[RawLine] = []
        for place, name in enumerate(self._names):
            nets = self._watch.nets(place)
            if name == HEAP:
                stack, stays = retaining_stack(nets)
                if stack:
                    # What is more or less is what requests happen to hold at the ends of the watch.
                    share = min(1.0, stays / sum(nets.values()))
                    found.append(RawLine(gauge=HEAP, frames=stack, share=1.0 if share > _WHOLE else share))
                continue
            found += [
                RawLine(gauge=name, frames=stack, share=share) for stack, share in adding_lines(nets) if stack
            ]
        return tuple(found)


def adding_lines(nets: Mapping[Stack, int], *, share: float = 0.2) -> list[tuple[Stack, float]]:
    """The stacks that add to a container, with their share of all that is added, largest first.

    Args:
        nets: Of one gauge.
        share: Less than that of the net growth is left out.
    """
    total = sum(nets.values())
    gains = sorted(((stack, net) for stack, net in nets.items() if net > 0), key=lambda item: -item[1])
    if total <= 0:
        return []
    return [(stack, min(1.0, net / total)) for stack, net in gains[:_MOST_KEPT] if net >= share * total]


def retaining_stack(nets: Mapping[Stack, int], *, tolerance: float = 0.25) -> tuple[Stack, float]:
    """The deepest line below which just as much stays as stays in all.

    A line may add much that its caller frees a moment later; so a line counts
    with all that happens below it, and the search goes deeper only while one
    line alone accounts for the whole growth, no more and no less.

    Returns:
        The stack, innermost first (empty: none), and what stays below it.
    """
    total = sum(nets.values())
    if total <= 0:
        return (), 0.0
    below: dict[Stack, int] = {}
    for stack, net in nets.items():
        outwards = stack[::-1]
        for depth in range(1, len(outwards) + 1):
            way = outwards[:depth]
            below[way] = below.get(way, 0) + net
    found: Stack = ()
    while True:
        fitting = [
            longer
            for longer, net in below.items()
            if len(longer) == len(found) + 1
            and longer[: len(found)] == found
            and abs(net - total) <= tolerance * total
        ]
        if not fitting:
            break
        found = min(fitting, key=lambda longer: abs(below[longer] - total))
    return found[::-1], float(below.get(found, 0))
