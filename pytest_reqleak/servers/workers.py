"""The processes of a server in which the agent lives, and which of them serves requests.

Each comes to the listener by itself once it loads the app. The one that is measured
is the one that holds the other end of our connection: some servers load the app in
their parent process too.
"""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import Any

from pytest_reqleak.agent import obey
from pytest_reqleak.agent.channel import Channel, ChannelClosed, Listener, Refused
from pytest_reqleak.errors import TargetError, TargetFailed

_INTRODUCTION_SECONDS = 30.0
_LOOK_SECONDS = 0.002

_ERRORS = {kind.__name__: kind for kind in (TargetError, TargetFailed)}


class OtherInterface(Exception):
    """The app speaks another interface than the one that was tried first."""

    def __init__(self, interface: str) -> None:
        super().__init__(interface)
        self.interface = interface


@dataclass(slots=True)
class Worker:
    """A process in which the agent lives."""

    channel: Channel
    pid: int
    about: dict[str, Any] | None = None
    """How it introduced itself, once it has loaded the app."""


class Workers:
    """All workers of one server.

    Attributes:
        listener: Where they come to.
        serving: The one that answers requests, once it is known.
        out_of_step: Whether an order was sent whose answer was not waited for.
    """

    def __init__(self, folder: str) -> None:
        """Listen in a folder that only this user can enter."""
        self.listener = Listener(folder)
        self.serving: Worker | None = None
        self.out_of_step = False
        self._workers: list[Worker] = []

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def have_loaded(self) -> bool:
        """Whether the app has been loaded by any."""
        return any(worker.about is not None for worker in self._workers)

    @property
    def awaited(self) -> list[Any]:
        """What becomes readable when a worker comes, or has loaded the app; for `select`."""
        return [self.listener, *(worker.channel for worker in self._workers if worker.about is None)]

    def welcome(self, interface: str) -> None:
        """Let in who waits, and hear who has loaded the app.

        Args:
            interface: What the server was started for.

        Raises:
            TargetError: A worker could not load the app.
            OtherInterface: The app is one for another interface.
        """
        hello = self.listener.accept(0)
        if hello is not None:
            self._workers.append(Worker(hello.channel, hello.pid))
        for worker in tuple(self._workers):
            if worker.about is None and _is_readable(worker.channel, 0):
                self._introduce(worker, interface)

    def _introduce(self, worker: Worker, interface: str) -> None:
        try:
            about = worker.channel.receive(_INTRODUCTION_SECONDS)
        except (ChannelClosed, Refused, TimeoutError):
            self._dismiss(worker)
            return
        if "failed" in about:
            raise _ERRORS.get(about["failed"], TargetFailed)(about["message"])
        if about.get("interface") != interface:
            raise OtherInterface(str(about.get("interface")))
        worker.about = about

    def find(
        self, client_port: int, interface: str, *, seconds: float, answer_seconds: float
    ) -> Worker | None:
        """The worker that holds the other end of the connection from a port; None where none does.

        Args:
            client_port: Ours.
            interface: What the server was started for.
            seconds: How long to look.
            answer_seconds: How long one of them may take to say.

        Raises:
            TimeoutError: One did not say.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for worker in tuple(self._workers):
                if worker.about is not None and self._holds(worker, client_port, answer_seconds):
                    return worker
            # A worker that was forked off comes when it gets to it.
            self.welcome(interface)
            time.sleep(_LOOK_SECONDS)
        return None

    def _holds(self, worker: Worker, client_port: int, seconds: float) -> bool:
        try:
            worker.channel.send({"calls": [[obey.HOLDS, [client_port], {}]]})
            return worker.channel.receive(seconds).get("result") is True
        except (ChannelClosed, Refused):
            self._dismiss(worker)
            return False

    def _dismiss(self, worker: Worker) -> None:
        """Forget one that has ended, or is none of ours; its server will say more."""
        self._workers.remove(worker)
        worker.channel.close()

    def order(self, calls: list[Any], seconds: float) -> dict[str, Any]:
        """Send calls to the serving worker's agent, and give its answer.

        Raises:
            TimeoutError: It did not answer; no later order can be answered rightly.
            ChannelClosed: It is gone.
            Refused: What it answered is no answer.
        """
        assert self.serving is not None, "an app is started before it is measured"
        channel = self.serving.channel
        self.out_of_step = True
        channel.send({"calls": calls})
        answer = channel.receive(seconds)
        self.out_of_step = False
        return answer

    def has_left(self, wait_seconds: float) -> bool:
        """Whether the serving worker has closed its channel."""
        if self.serving is None or not _is_readable(self.serving.channel, wait_seconds):
            return False
        return self.serving.channel.is_closed_there()

    def settle_on(self, worker: Worker) -> None:
        """Measure this worker, and let no other in: one that shall replace it cannot come up."""
        self.serving = worker
        self.listener.close()

    def close(self) -> None:
        """Close all channels; only once the server has ended, for a worker ends with its channel."""
        for worker in self._workers:
            worker.channel.close()
        self.listener.close()


def _is_readable(channel: Channel, seconds: float) -> bool:
    return bool(select.select([channel], [], [], seconds)[0])
