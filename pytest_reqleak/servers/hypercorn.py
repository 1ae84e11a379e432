"""Hypercorn, without workers: the process that is started calls the app itself.

With a worker it would load the app in the parent too, which is not the process
that serves requests.
"""

from __future__ import annotations

from pytest_reqleak.servers.kinds import ADDRESS, Launch, ServerKind


def _arguments(launch: Launch) -> list[str]:
    return ["--bind", f"{ADDRESS}:{launch.port}", "--workers", "0", f"{launch.interface}:{launch.target}"]


KIND = ServerKind(
    name="hypercorn",
    module="hypercorn",
    interfaces=("asgi", "wsgi"),
    least_version=(0, 15),
    arguments=_arguments,
    reserved=frozenset({"-b", "--bind", "-w", "--workers", "--reload", "-D", "--daemon"})
    | {"--insecure-bind", "--quic-bind", "--max-requests"},
)
