"""The thread on which the agent lives in a worker: it takes orders from the channel and obeys them.

Which orders there are says the `Agent` itself: its public methods and properties.
What the thread makes for an order is gone before the next, so that it does not show.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.agent.channel import Channel, ChannelClosed, Refused
from pytest_reqleak.agent.codec import NotCodable, decode, encode
from pytest_reqleak.agent.peers import holds_connection_from
from pytest_reqleak.agent.settle import OWN_THREADS
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.model.meter import Phase

_FACE = {name: value for kind in reversed(Agent.__mro__) for name, value in vars(kind).items()}
METHODS = frozenset(
    name for name, value in _FACE.items() if inspect.isfunction(value) and not name.startswith("_")
)
PROPERTIES = frozenset(
    name
    for name, value in _FACE.items()
    if isinstance(value, property) and name != "buffer" and not name.startswith("_")
)
BEGIN, END, SAMPLE, RESERVE, REFUSED, HOLDS = "begin", "end", "sample", "reserve", "refused", "holds"
"""What the channel adds to the agent's own methods; the last two need no run."""

_ADDED = (BEGIN, END, SAMPLE, RESERVE, REFUSED, HOLDS)

# A run that ends by itself ends the server first. This is for one that was killed: whoever
# guards the server stops it gracefully meanwhile, and if that was killed too, nobody else will.
_ORPHAN_SECONDS = 10.0
_LOOK_SECONDS = 0.1


class Obedience:
    """Obeys the orders of one channel."""

    def __init__(self, channel: Channel, make_agent: Callable[[], Agent]) -> None:
        """Take the channel; orders are read once `start` was called.

        Args:
            channel: Proved by both sides.
            make_agent: Makes the agent of each run.
        """
        self._channel = channel
        self._make_agent = make_agent
        self._agent: Agent | None = None
        # Now: when the channel closes, it may be gone already.
        self._parent_pid = os.getppid()

    def start(self) -> None:
        """Obey on a thread of its own, which ends with the process."""
        threading.Thread(target=self._run, name=f"{OWN_THREADS}-agent", daemon=True).start()

    def _run(self) -> None:
        try:
            while True:
                try:
                    answer = self._answer(self._channel.receive())
                except Refused as error:
                    answer = {REFUSED: str(error)}
                self._channel.send(answer)
                # Else this answer would be alive while the next order is obeyed: a row of readings
                # is eight blocks more than nothing, and nine would be disowned at each stage.
                del answer
        except ChannelClosed:
            end_orphan(self._parent_pid)

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        calls = message.pop("calls", None)
        if not isinstance(calls, list) or not calls:
            return self._refuse("a message without calls")
        result = None
        # Taken out one by one: what is alive when the last is obeyed is the same, however many
        # came before it.
        while calls:
            try:
                name, arguments, keywords = calls.pop(0)
                arguments, keywords = decode(arguments), {k: decode(v) for k, v in keywords.items()}
            except (NotCodable, ValueError, TypeError, AttributeError, RecursionError):
                return self._refuse("an order that is no [name, [arguments], {keywords}] of ours")
            if not isinstance(name, str) or not _is_order(name):
                return self._refuse(f"{name!r} is no order")
            try:
                result = encode(self._obey(name, arguments, keywords))
            except ReqleakError as error:
                return {"failed": type(error).__name__, "message": str(error), "order": name}
            except Exception as error:  # noqa: BLE001 - whatever it is, the run must hear of it
                return {"failed": "", "message": f"{type(error).__name__}: {error}", "order": name}
        return {"result": result}

    def _refuse(self, why: str) -> dict[str, Any]:
        self._channel.refused += 1
        return {REFUSED: why}

    def _obey(self, name: str, arguments: Any, keywords: dict[str, Any]) -> Any:
        if name == BEGIN:
            return self._begin()
        if name == REFUSED:
            return self._channel.refused
        if name == HOLDS:
            return holds_connection_from(*arguments)
        agent = self._agent
        if agent is None:
            raise RuntimeError("no run has begun")
        if name == END:
            self._agent = None
            return agent.__exit__()
        if name == RESERVE:
            return agent.buffer.reserve(*arguments)
        if name == SAMPLE:
            return _sample(agent, *arguments)
        if name in PROPERTIES:
            return getattr(agent, name)
        return getattr(agent, name)(*arguments, **keywords)

    def _begin(self) -> Any:
        if self._agent is not None:
            # A run that was interrupted could not end it.
            self._agent.__exit__()
        self._agent = self._make_agent()
        return self._agent.buffer.meters


def _sample(agent: Agent, iterations: int, phase: Phase, keep: bool) -> Any:
    """Sample, and give the new row: the run keeps rows too, so that it need not ask for them.

    Or disown, which is a sample that is not kept.
    """
    if not keep:
        return agent.disown()
    agent.sample(iterations, phase)
    return agent.buffer.last_row()


def _is_order(name: str) -> bool:
    return name in METHODS or name in PROPERTIES or name in _ADDED


def end_orphan(parent_pid: int) -> None:
    """Kill this process once its parent is gone, or in a few seconds at the latest."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while time.monotonic() < deadline and os.getppid() == parent_pid:
        time.sleep(_LOOK_SECONDS)
    with contextlib.suppress(OSError):
        os.kill(os.getpid(), signal.SIGKILL)
