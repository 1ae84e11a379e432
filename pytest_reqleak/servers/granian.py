"""Granian: its server is Rust; a worker process calls the app.

The worker is a child even where there is one, and only the worker loads the app.
Its flags have changed much since 1.1: only those are given that all versions have.
"""

from __future__ import annotations

from pytest_reqleak.servers.kinds import ADDRESS, Launch, ServerKind

# Most wheels link jemalloc into the Rust side, where no meter but the RSS sees it, and jemalloc
# keeps freed pages for ten seconds. Given back at once, what is resident is in use, so that an
# RSS that rises is a leak. The price: 7 % more CPU with bodies of 1 KB, three times with 1 MB.
_PURGE_AT_ONCE = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"}


def _arguments(launch: Launch) -> list[str]:
    arguments = ["--interface", launch.interface, "--host", ADDRESS, "--port", str(launch.port)]
    arguments += ["--workers", "1", "--http", "1"]
    if launch.interface == "wsgi":
        # Else it makes up to 512 threads, each of which may keep the largest response that it sent.
        arguments += ["--blocking-threads", str(launch.concurrency)]
    return [*arguments, launch.target]


KIND = ServerKind(
    name="granian",
    module="granian",
    interfaces=("asgi", "rsgi", "wsgi"),
    least_version=(1, 1),
    arguments=_arguments,
    environment=_PURGE_AT_ONCE,
    reserved=frozenset(
        {"--interface", "--host", "--port", "--workers", "--uds", "--reload", "--factory", "--http"}
        # They replace the worker that is measured.
        | {"--respawn-failed-workers", "--workers-lifetime", "--workers-max-rss"}
    ),
)
