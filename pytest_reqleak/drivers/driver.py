"""What every driver offers, and which one a booted app gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pytest_reqleak.servers.booted import Booted

if TYPE_CHECKING:
    from pytest_reqleak.model.request import Request
    from pytest_reqleak.servers.app import BootedApp


class Driver(Protocol):
    """Makes iterations of a workload happen."""

    def run_batch(self, first: int, count: int, only: int | None = None) -> None:
        """Make the iterations `first` to `first + count - 1` happen, and wait for their ends.

        Args:
            first: The number of the first iteration. Numbers already used make a
                replay: the same inputs are sent again.
            count: How many.
            only: The place of one request in the workload, sent in every
                iteration; None: iteration i sends request i modulo their number.

        Raises:
            RequestFailed: An answer is not what the workload expects.
            RequestTimeout: A request was not answered in time.
        """

    def close(self) -> None:
        """Let go of connections; the app goes on running."""


def make_driver(
    booted: BootedApp, requests: Sequence[Request], *, concurrency: int, request_seconds: float
) -> Driver:
    """Make the driver that fits how the app was booted.

    Args:
        booted: The app.
        requests: The workload, at least one request.
        concurrency: Requests in flight at a time.
        request_seconds: How long one request may take.
    """
    if booted.url is not None:
        from pytest_reqleak.drivers.http import HttpDriver

        return HttpDriver(booted, requests, concurrency=concurrency, request_seconds=request_seconds)
    assert isinstance(booted, Booted), "only an app in this process has no socket"
    if booted.interface == "asgi":
        from pytest_reqleak.drivers.direct import DirectAsgiDriver

        return DirectAsgiDriver(booted, requests, concurrency=concurrency, request_seconds=request_seconds)
    from pytest_reqleak.drivers.direct_wsgi import DirectWsgiDriver

    return DirectWsgiDriver(booted, requests, concurrency=concurrency, request_seconds=request_seconds)
