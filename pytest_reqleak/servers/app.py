"""An app that runs, wherever it does, and the one way to get there.

Knows which apps can be sent to another process: those that an import string names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pytest_reqleak.errors import UsageError
from pytest_reqleak.servers.booted import boot
from pytest_reqleak.servers.target import load_target, target_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.errors import ReqleakError
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.run import ServerInfo
    from pytest_reqleak.servers.unseen import Unseen


class BootedApp(Protocol):
    """What `Booted` and `ExternalApp` have in common."""

    last_error: BaseException | None
    """What the app raised during the last request, where that can be known."""

    unseen: Unseen
    """What it raised where no client sees it, where that can be known."""

    @property
    def name(self) -> str:
        """What messages call the app."""
        ...

    @property
    def interface(self) -> str:
        """`asgi`, `rsgi` or `wsgi`."""
        ...

    @property
    def info(self) -> ServerInfo:
        """What reports say about the server."""
        ...

    @property
    def url(self) -> str | None:
        """`http://127.0.0.1:PORT`; None where there is no socket."""
        ...

    def make_agent(self, *, roots: Mapping[str, object] | None = None) -> Agent:
        """Make the agent of one run, which lives where the app does.

        Args:
            roots: More names for paths to begin with, where that is this process.
        """
        ...

    def pass_loop(self) -> None:
        """Wait until the app's loop has run what was ready, where that saves waiting later."""

    def gone(self, wait_seconds: float = 0.0) -> ReqleakError | None:
        """Tell whether the process that is measured is gone, and how."""

    def output_tail(self) -> str:
        """The last lines that a server in a process of its own has written."""
        ...

    def close(self) -> None:
        """Shut the app down; in bounded time even if it hangs."""


def boot_app(app: Any, plan: Plan, *, name: str | None = None) -> BootedApp:
    """Boot an app where the plan says: in this process, or in one that is started for it.

    Args:
        app: An app object, or an import string.
        plan: Server, interface, concurrency and what else it takes.
        name: What messages call an app object; None: what it is.

    Raises:
        UsageError: The app object cannot be loaded in another process.
        ReqleakError: It could not be loaded, or did not start.
    """
    if not plan.starts_process:
        _refuse_what_needs_a_process(plan)
        return _boot_here(app, plan, name)
    if plan.server == "direct":
        raise UsageError(
            "isolate: server = 'direct' calls the app without a socket, in this process; "
            "choose server = 'bundled'"
        )
    target = app if isinstance(app, str) else target_of(app)
    if target is None:
        raise UsageError(
            f"server = {plan.server!r} runs in a process of its own, which cannot load {name or 'this app'}: "
            "name the app by an import string such as 'shop.main:app', or make it a global of its module"
        )
    # Ten modules more: most runs stay in this process.
    from pytest_reqleak.servers.external import boot_external

    return boot_external(
        target,
        server=plan.server,
        interface=plan.interface,
        factory=plan.factory,
        concurrency=plan.concurrency,
        timeout=plan.timeout,
        arguments=plan.server_args,
        python_malloc=plan.python_malloc,
        allocator=plan.allocator,
    )


def _refuse_what_needs_a_process(plan: Plan) -> None:
    if plan.server_args:
        raise UsageError(
            f"server_args: the server {plan.server!r} takes none; choose granian, uvicorn, "
            "hypercorn or gunicorn"
        )
    for name, usual in (("python_malloc", "pymalloc"), ("allocator", "glibc")):
        asked = getattr(plan, name)
        if asked != usual:
            raise UsageError(
                f"{name} = {asked!r}: can only be chosen for a process that is started for the run: "
                "add --isolate (isolate=True), or choose a server in a process of its own"
            )


def _boot_here(app: Any, plan: Plan, name: str | None) -> BootedApp:
    if isinstance(app, str):
        target = load_target(app, factory=plan.factory)
        app, name = target.app, target.name
    return boot(
        app,
        server=plan.server,
        interface=plan.interface,
        concurrency=plan.concurrency,
        timeout=plan.timeout,
        name=name,
    )
