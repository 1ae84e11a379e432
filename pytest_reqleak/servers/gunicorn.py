"""Gunicorn: a master that forks its worker; the worker loads the app, unless it is told to preload."""

from __future__ import annotations

import importlib.util

from pytest_reqleak.servers.kinds import ADDRESS, Launch, ServerKind, ServerMissing

_CONTROL_SOCKET_SINCE = (25,)


def _arguments(launch: Launch) -> list[str]:
    arguments = ["--bind", f"{ADDRESS}:{launch.port}", "--workers", "1"]
    # A worker that is busy with evidence must not be taken for a hung one and replaced.
    arguments += ["--timeout", "0"]
    if launch.version >= _CONTROL_SOCKET_SINCE:
        arguments += ["--no-control-socket"]
    if launch.interface == "asgi":
        arguments += ["--worker-class", _asgi_worker()]
    elif launch.concurrency > 1:
        arguments += ["--worker-class", "gthread", "--threads", str(launch.concurrency)]
    return [*arguments, launch.target]


def _asgi_worker() -> str:
    """Gunicorn's own ASGI worker, where it has one, or else Uvicorn's."""
    for module, worker in (
        ("gunicorn.workers.gasgi", "asgi"),
        ("uvicorn_worker", "uvicorn_worker.UvicornWorker"),
        ("uvicorn.workers", "uvicorn.workers.UvicornWorker"),
    ):
        try:
            if importlib.util.find_spec(module) is not None:
                return worker
        except ModuleNotFoundError:
            continue
    raise ServerMissing(
        "server = 'gunicorn': this version has no worker for ASGI apps: install gunicorn 25 or uvicorn-worker"
    )


KIND = ServerKind(
    name="gunicorn",
    module="gunicorn",
    interfaces=("wsgi", "asgi"),
    least_version=(20, 1),
    arguments=_arguments,
    reserved=frozenset({"-b", "--bind", "-w", "--workers", "--reload", "-D", "--daemon", "--max-requests"}),
    forks_after_import=True,
)
