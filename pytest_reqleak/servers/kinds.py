"""What there is to know of a server before it is started, and the table of those that we start.

Knows names, versions and command lines. Each server has a file of its own for what
is peculiar to it; how a server is run and reached is the same for all of them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_reqleak.errors import ReqleakError, UsageError

ADDRESS = "127.0.0.1"

WORKER = "pytest_reqleak.servers.worker"
"""The module that a server is told to serve: `app` is the user's own."""

WORKER_VARIABLE = "REQLEAK_WORKER"
"""The environment variable that tells the worker what to load, and where the run listens."""

# Each has a module of that name here, or for `bundled` the one that runs it in a child process.
EXTERNAL = ("granian", "uvicorn", "hypercorn", "gunicorn")
_MODULES = {name: name for name in EXTERNAL} | {"bundled": "isolated"}


class ServerMissing(ReqleakError):
    """The server that was asked for is not installed, or too old."""

    slug = "server-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How one server is to be started."""

    target: str
    """What it is told to serve: `module:attr`."""
    interface: str
    """`asgi`, `rsgi` or `wsgi`."""
    port: int
    concurrency: int
    """Requests that will be under way at a time; a WSGI app needs as many threads."""
    version: tuple[int, ...]
    """Of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKind:
    """One server that we can start."""

    name: str
    module: str
    """Run with `python -m`."""
    interfaces: tuple[str, ...]
    """The first is tried first where the user leaves the choice to us."""
    least_version: tuple[int, ...] = ()
    arguments: Callable[[Launch], list[str]]
    reserved: frozenset[str] = field(default_factory=frozenset)
    """Its options that are ours to set."""
    forks_after_import: bool = False
    """Whether it may load the app before it forks its worker."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that it is started with; what the user has set comes first."""

    def version(self) -> str:
        """The installed version.

        Raises:
            ServerMissing: It is not installed, or older than what we can drive.
        """
        if not self.least_version:
            from pytest_reqleak import __version__

            return __version__
        # Only here: the worker needs this module too, and not the ten milliseconds that this one takes.
        import importlib.metadata

        install = f"install pytest-reqleak[{self.name}]"
        try:
            version = importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            raise ServerMissing(f"server = {self.name!r}: {self.name} is not installed: {install}") from None
        if version_tuple(version) < self.least_version:
            least = ".".join(map(str, self.least_version))
            raise ServerMissing(
                f"server = {self.name!r}: {self.name} {version} is too old, "
                f"{least} is the oldest that can be measured: {install}"
            )
        return version

    def check_arguments(self, given: Sequence[str]) -> None:
        """Refuse what would run another server than the one that is measured.

        Raises:
            UsageError: An option is ours to set.
        """
        for argument in given:
            flag = argument.partition("=")[0]
            if flag in self.reserved:
                raise UsageError(
                    f"server_args: {flag} is set by reqleak, which runs one worker on a port of its own: "
                    "leave it out"
                )


def version_tuple(version: str) -> tuple[int, ...]:
    """The leading numbers: `(0, 17, 0)` of `0.17.0.post1`."""
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[^\d.]", version, maxsplit=1)[0]))


def kind_of(server: str) -> ServerKind:
    """The server of that name."""
    found: ServerKind = importlib.import_module(f"pytest_reqleak.servers.{_MODULES[server]}").KIND
    return found
