"""The bundled server in a process of its own, started and stopped like any other server.

python -m pytest_reqleak.servers.isolated --interface asgi --port 8000 pytest_reqleak.servers.worker:app
"""

from __future__ import annotations

import argparse
import importlib
import signal
import threading

from pytest_reqleak.servers.kinds import Launch, ServerKind

_START_SECONDS = 24 * 3600.0


def _arguments(launch: Launch) -> list[str]:
    arguments = ["--interface", launch.interface, "--port", str(launch.port)]
    return [*arguments, "--concurrency", str(launch.concurrency), launch.target]


KIND = ServerKind(
    name="bundled",
    module=__name__ if __name__ != "__main__" else "pytest_reqleak.servers.isolated",
    interfaces=("asgi", "wsgi"),
    arguments=_arguments,
)


def main() -> None:
    """Serve until a signal asks to stop."""
    from pytest_reqleak.servers.booted import boot

    parser = argparse.ArgumentParser()
    parser.add_argument("--interface", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("target")
    asked = parser.parse_args()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    module, _, attribute = asked.target.partition(":")
    app = getattr(importlib.import_module(module), attribute)
    # Who has started us waits no longer than it wants to.
    with boot(
        app,
        interface=asked.interface,
        concurrency=asked.concurrency,
        timeout=_START_SECONDS,
        port=asked.port,
    ):
        stopping.wait()


if __name__ == "__main__":
    main()
