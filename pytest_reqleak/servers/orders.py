"""Orders to the agent in a server's worker: carried out, or known why not.

Knows the ways in which a process that is measured is lost, and the words for them;
what an order means is the business of `agent.remote`.
"""

from __future__ import annotations

from typing import Any

from pytest_reqleak.agent.channel import ChannelClosed, Refused
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.servers.asked import Asked
from pytest_reqleak.servers.failure import indent
from pytest_reqleak.servers.process import ServerProcess
from pytest_reqleak.servers.workers import Workers
from pytest_reqleak.units import format_seconds

ANSWER_SECONDS = 60.0
"""How long the agent may take to obey; a settle takes milliseconds, its limits add up to 8 s."""

# These go through the whole heap, or read a capture.
_LONG_ORDERS = frozenset({"stop_tracing", "mark_objects", "note_types", "grown_types", "grown_holders"})
_LONG_FACTOR = 5

# A worker's end is seen at once; its server then ends too, or starts another.
_END_SECONDS = 1.0


class WorkerLost(ReqleakError):
    """The process that was measured ended, was replaced, or does not answer: the run is void."""

    slug = "worker-lost"


class OrderFailed(ReqleakError):
    """The agent in the worker could not do what it was told."""

    slug = "order-failed"


class Orders:
    """The way to the agent of one server's worker.

    Attributes:
        name: What messages call the app.
        closed: Whether the server has been shut down.
    """

    def __init__(self, asked: Asked, process: ServerProcess, workers: Workers) -> None:
        """Take a server that was started; orders are given once a worker serves."""
        self._asked = asked
        self._process = process
        self._workers = workers
        self.name = asked.target
        self.closed = False

    def give(self, calls: list[Any]) -> Any:
        """Have the worker's agent obey, and give the result of the last order.

        Raises:
            WorkerLost: It ended, was replaced, or did not answer.
            OrderFailed: It could not.
        """
        lost = self.gone()
        if lost is not None:
            raise lost
        order = str(calls[-1][0])
        seconds = min(ANSWER_SECONDS, self._asked.timeout) * (_LONG_FACTOR if order in _LONG_ORDERS else 1)
        try:
            answer = self._workers.order(calls, seconds)
        except TimeoutError:
            raise WorkerLost(
                f"{self._worker()} did not answer the agent's {order!r} within {format_seconds(seconds)}: "
                f"it is stopped, or native code holds the interpreter{self.said()}"
            ) from None
        except ChannelClosed:
            gone = self.gone(_END_SECONDS)
            raise gone or WorkerLost(f"{self._worker()} left the channel{self.said()}") from None
        except Refused as error:
            raise OrderFailed(f"{self._worker()} answered {order!r} with {error}") from error
        if "result" in answer:
            return answer["result"]
        message = str(answer.get("message") or answer.get("refused"))
        if answer.get("failed"):
            # One of our own, such as that memray is missing.
            raise OrderFailed(message)
        raise OrderFailed(f"{self._worker()} failed at {answer.get('order', order)!r}: {message}")

    def gone(self, wait_seconds: float = 0.0) -> ReqleakError | None:
        """Tell whether the process that is measured is gone, and how.

        Args:
            wait_seconds: How long to wait for its end, where a request has failed.
        """
        if self.closed:
            return WorkerLost(f"{self.name}: {self._asked.server} has been shut down")
        if self._workers.has_left(wait_seconds) or self._process.has_ended():
            if self._process.has_ended(_END_SECONDS):
                return WorkerLost(self.ended("while it was measured"))
            return WorkerLost(f"{self._worker()} ended while it was measured{self.said()}")
        if self._workers.out_of_step:
            return WorkerLost(f"{self._worker()} was left by an interrupted run: boot the app anew")
        return None

    def ended(self, when: str) -> str:
        """Say how the server has ended, and what it wrote."""
        code = self._process.exit_code or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"{self.name}: {self._asked.server} {how} {when}{self.said()}"

    def said(self) -> str:
        """What the server and the app have written, as the end of a message."""
        tail = self._process.output_tail()
        return f"; its output:\n{indent(tail)}" if tail else "; it has written nothing"

    def _worker(self) -> str:
        serving = self._workers.serving
        pid = serving.pid if serving is not None else 0
        return f"{self.name}: the worker of {self._asked.server} (pid {pid})"
