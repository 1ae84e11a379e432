"""What an external server is told to serve: it loads the user's app, and lets the agent in.

    granian --interface asgi pytest_reqleak.servers.worker:app

The server finds the user's own app object here, so that its lifespan and the
methods that servers look for are kept. The module can be imported only in a
process that a run has started.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import MutableMapping
from typing import Any

from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.agent.allocators import find_allocator
from pytest_reqleak.agent.channel import Channel, ChannelClosed, Refused, connect
from pytest_reqleak.agent.loops import Loops
from pytest_reqleak.agent.obey import Obedience
from pytest_reqleak.agent.settle import OWN_THREADS
from pytest_reqleak.agent.stirring import find_other_threads
from pytest_reqleak.errors import TargetError
from pytest_reqleak.servers.interface import choose_interface
from pytest_reqleak.servers.kinds import WORKER_VARIABLE
from pytest_reqleak.servers.target import load_target

# Gunicorn takes this for a worker that cannot boot, and does not try again for ever.
_NO_RUN = 3


def load(environment: MutableMapping[str, str]) -> Any:
    """Load the app that the run has named, and start the agent.

    Args:
        environment: Ours is taken out of it: neither the app nor what it starts shall see it.

    Raises:
        TargetError: There is no such app; the run has been told.
        RuntimeError: No run has started this process.
    """
    if WORKER_VARIABLE not in environment:
        raise RuntimeError(f"{__name__} serves apps for a run of reqleak alone, which sets {WORKER_VARIABLE}")
    orders = json.loads(environment.pop(WORKER_VARIABLE))
    for name, value in orders["environment"].items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    try:
        channel = connect(orders["path"], orders["key"])
    except (ChannelClosed, Refused, TimeoutError) as error:
        sys.stderr.write(f"reqleak: another worker has come up, which no run waits for: {error}\n")
        raise SystemExit(_NO_RUN) from None
    try:
        target = load_target(orders["target"], factory=orders["factory"])
        interface = choose_interface(
            target.app,
            orders["wanted"],
            name=target.name,
            server=orders["server"],
            spoken=tuple(orders["spoken"]),
        )
    except TargetError as error:
        channel.send({"failed": type(error).__name__, "message": str(error)})
        raise
    about = {
        "name": target.name,
        "interface": interface,
        "allocator": find_allocator().name,
        "python_malloc": "pymalloc" if sys.getallocatedblocks() else "malloc",
    }
    channel.send(about)
    if interface != orders["interface"]:
        # The run starts the server anew for the right one.
        raise RuntimeError(f"{target.name} is an app for {interface}")
    _obey(channel, target.app)
    if orders["forks"]:
        os.register_at_fork(after_in_child=lambda: _join_later(orders, target.app, about))
    return target.app


def _obey(channel: Channel, app: Any) -> None:
    allocator = find_allocator()

    def make_agent() -> Agent:
        loops = Loops()
        # Looked at from the thread that obeys, which this is called on.
        threads = find_other_threads()
        return Agent(
            pass_loop=loops.pass_all,
            pending_tasks=loops.pending_tasks if len(loops) else None,
            # A server's threads may call the app without Python's knowing of them.
            restless=sys.getallocatedblocks if sys.getallocatedblocks() else allocator.in_use,
            await_quiet=threads.await_quiet if threads is not None else None,
            roots={"app": app},
        )

    Obedience(channel, make_agent).start()


def _join_later(orders: dict[str, Any], app: Any, about: dict[str, Any]) -> None:
    """Bring the agent into a process that was forked off: the thread did not come along.

    On a thread, since whoever forks (it may be the app) must not wait for it.
    """

    def join() -> None:
        try:
            channel = connect(orders["path"], orders["key"])
            channel.send(about)
        except (ChannelClosed, Refused, TimeoutError):
            return
        _obey(channel, app)

    threading.Thread(target=join, name=f"{OWN_THREADS}-join", daemon=True).start()


__all__ = ["app", "load"]

app = load(os.environ)
