"""The agent of another process, with the face of one that lives in this process.

Each method is sent as an order and answered by the process that is measured; a
batch costs one round trip. Samples are kept there, in storage that was reserved
before, and mirrored here, where nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_reqleak.agent import obey
from pytest_reqleak.agent.codec import decode, encode
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples

if TYPE_CHECKING:
    # So the faces cannot drift apart: a method that `Agent` gains is there, checked and carried.
    from pytest_reqleak.agent.agent import Agent as _AgentFace
    from pytest_reqleak.agent.meters import SampleBuffer
    from pytest_reqleak.agent.meters import SampleBuffer as _BufferFace
else:
    _AgentFace = _BufferFace = object

Send = Callable[[list[Any]], Any]
"""Carries calls to the worker, and gives the last one's result or raises."""


class RemoteAgent(_AgentFace):
    """Orders the agent of a worker about; use it as a context manager."""

    def __init__(self, send: Send) -> None:
        """Begin a run.

        Args:
            send: Carries `[name, [arguments], {keywords}]` and gives the last result, both as JSON.

        Raises:
            ReqleakError: The worker does not answer.
        """
        self._send = send
        self._posted: list[Any] = []
        self._mirror = RemoteBuffer(self, self._call(obey.BEGIN))

    def __enter__(self) -> RemoteAgent:
        return self

    def __exit__(self, *exc: object) -> None:
        if not exc or exc[0] is None:
            self._call(obey.END)

    def __getattr__(self, name: str) -> Any:
        if name in obey.PROPERTIES:
            return self._call(name)
        if name in obey.METHODS:
            return lambda *arguments, **keywords: self._call(name, *arguments, **keywords)
        raise AttributeError(name)

    @property
    def buffer(self) -> SampleBuffer:
        """All samples so far."""
        return self._mirror

    def settle(self) -> None:
        """Have the app brought to rest before whatever is ordered next."""
        self._post("settle")

    def sample(self, iterations: int, phase: Phase) -> None:
        """Read every meter into the next row; returns when that is done."""
        self._mirror.add(iterations, phase, self._call(obey.SAMPLE, iterations, phase, True))

    def disown(self) -> None:
        """Leave out of all later samples what the harness has allocated since the last one."""
        # As the order to sample in all but one flag, so that the order's own objects cancel out.
        self._call(obey.SAMPLE, self._mirror.iterations, Phase.MEASURE, False)

    def _post(self, name: str, *arguments: Any) -> None:
        """Send an order with the next one: it has no result to wait for."""
        self._posted.append([name, encode(arguments), {}])

    def _call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        call = [name, encode(arguments), {key: encode(value) for key, value in keywords.items()}]
        posted, self._posted = self._posted, []
        return decode(self._send([*posted, call]))


class RemoteBuffer(_BufferFace):
    """The worker's rows, as they were told."""

    def __init__(self, agent: RemoteAgent, meters: tuple[Meter, ...]) -> None:
        self._agent = agent
        self._told_iterations: list[int] = []
        self._told_seconds: list[float] = []
        self._told_phases: list[Phase] = []
        self._told_columns: dict[Meter, list[int]] = {meter: [] for meter in meters}

    def __len__(self) -> int:
        return len(self._told_iterations)

    @property
    def iterations(self) -> int:
        """Of the newest row; 0 where there is none."""
        return self._told_iterations[-1] if self._told_iterations else 0

    def reserve(self, count: int) -> None:
        """Have room made for `count` more samples in the worker."""
        self._agent._post(obey.RESERVE, count)

    def add(self, iterations: int, phase: Phase, row: tuple[float, tuple[int, ...]]) -> None:
        """Take a row: its seconds, and the readings in the order of the meters."""
        seconds, readings = row
        self._told_iterations.append(iterations)
        self._told_seconds.append(seconds)
        self._told_phases.append(phase)
        for column, reading in zip(self._told_columns.values(), readings, strict=True):
            column.append(reading)

    def last(self, meter: Meter) -> int | None:
        """The newest reading of one meter; None where it cannot be read or nothing was."""
        column = self._told_columns.get(meter)
        return column[-1] if column else None

    def samples(self, start: int = 0, stop: int | None = None) -> Samples:
        """Rows `start` to `stop` as values."""
        return Samples(
            iterations=tuple(self._told_iterations[start:stop]),
            seconds=tuple(self._told_seconds[start:stop]),
            phases=tuple(self._told_phases[start:stop]),
            readings={meter: tuple(column[start:stop]) for meter, column in self._told_columns.items()},
        )
