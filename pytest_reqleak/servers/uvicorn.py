"""Uvicorn: with one worker, the process that is started calls the app itself."""

from __future__ import annotations

from pytest_reqleak.servers.kinds import ADDRESS, Launch, ServerKind


def _arguments(launch: Launch) -> list[str]:
    interface = {"asgi": "asgi3"}.get(launch.interface, launch.interface)
    arguments = ["--interface", interface, "--host", ADDRESS, "--port", str(launch.port)]
    return [*arguments, "--workers", "1", "--no-access-log", launch.target]


KIND = ServerKind(
    name="uvicorn",
    module="uvicorn",
    interfaces=("asgi", "wsgi"),
    least_version=(0, 15),
    arguments=_arguments,
    reserved=frozenset({"--interface", "--host", "--port", "--workers", "--uds", "--fd", "--reload"})
    | {"--factory", "--limit-max-requests"},
)
