"""What was asked for of a server in a process of its own: checked, and made into a command.

Knows settings; starts nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_reqleak.errors import UsageError
from pytest_reqleak.servers.kinds import (
    WORKER,
    WORKER_VARIABLE,
    Launch,
    ServerKind,
    kind_of,
    version_tuple,
)
from pytest_reqleak.servers.preload import preloading
from pytest_reqleak.servers.surroundings import settings_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for; every value has been checked."""

    target: str
    kind: ServerKind
    version: str
    wanted: str
    """The interface, or `auto`."""
    factory: bool
    concurrency: int
    timeout: float
    arguments: tuple[str, ...]
    python_malloc: str
    allocator: str
    environment: Mapping[str, str]

    @property
    def server(self) -> str:
        """Its name and version, for messages."""
        return f"{self.kind.name} {self.version}"

    @property
    def first_interface(self) -> str:
        """What the server is started for before the app was looked at."""
        return self.kind.interfaces[0] if self.wanted == "auto" else self.wanted

    def command(self, interface: str, port: int) -> list[str]:
        """What starts the server."""
        launch = Launch(
            target=f"{WORKER}:app",
            interface=interface,
            port=port,
            concurrency=self.concurrency,
            version=version_tuple(self.version),
        )
        return [sys.executable, "-m", self.kind.module, *self.arguments, *self.kind.arguments(launch)]

    def whole_environment(self, interface: str, path: str, key: str) -> dict[str, str]:
        """The server's environment; what it tells the worker is taken out there.

        Args:
            interface: What the server is started for.
            path: Of the socket where the run listens.
            key: What both sides must know.
        """
        own = {name: os.environ.get(name, value) for name, value in self.kind.environment.items()}
        allocator = preloading(self.allocator)
        settings = settings_for(self.python_malloc, {**own, **allocator, **self.environment})
        orders = {
            "path": path,
            "key": key,
            "target": self.target,
            "factory": self.factory,
            "wanted": self.wanted,
            "interface": interface,
            "server": self.kind.name,
            "spoken": self.kind.interfaces,
            "forks": self.kind.forks_after_import,
            # What the app starts shall not run under our settings.
            "environment": {name: os.environ.get(name) for name in settings},
        }
        return {**os.environ, **settings, WORKER_VARIABLE: json.dumps(orders)}


def ask(
    target: str,
    *,
    server: str,
    interface: str,
    factory: bool,
    concurrency: int,
    timeout: float,
    arguments: Sequence[str],
    python_malloc: str,
    allocator: str,
    environment: Mapping[str, str],
) -> Asked:
    """Check what is asked for; the arguments are those of `boot_external`.

    Raises:
        UsageError: The server does not speak that interface, or an argument is ours to set.
        ServerMissing: It is not installed, or too old.
    """
    if sys.platform == "win32":
        raise UsageError(f"server = {server!r}: servers in processes of their own need a POSIX system")
    kind = kind_of(server)
    if interface not in ("auto", *kind.interfaces):
        raise UsageError(
            f"interface = {interface!r}: {server} speaks {' and '.join(kind.interfaces)}; "
            "choose one of these, or another server"
        )
    kind.check_arguments(arguments)
    return Asked(
        target=target,
        kind=kind,
        version=kind.version(),
        wanted=interface,
        factory=factory,
        concurrency=concurrency,
        timeout=timeout,
        arguments=tuple(arguments),
        python_malloc=python_malloc,
        allocator=allocator,
        environment=dict(environment),
    )
