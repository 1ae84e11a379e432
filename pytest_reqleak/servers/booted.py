"""An app that runs in this process, behind one of the in-process servers.

One face for both: `bundled` listens on a loopback socket, `direct` has none and
is called through its interface. Closing goes in the reverse of opening, and
every step of it is bounded.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from pytest_reqleak import __version__
from pytest_reqleak.agent.agent import Agent, agent_for
from pytest_reqleak.errors import BootFailed, ReqleakError, UsageError
from pytest_reqleak.model.run import ServerInfo
from pytest_reqleak.servers.host import GRACE_SECONDS, Host, HostTimeout
from pytest_reqleak.servers.interface import choose_interface
from pytest_reqleak.servers.lifespan import Lifespan
from pytest_reqleak.servers.threads import Threads
from pytest_reqleak.servers.unseen import Unseen
from pytest_reqleak.units import format_seconds

if TYPE_CHECKING:
    from pytest_reqleak.servers.bundled import BundledServer

SERVERS = ("bundled", "direct")


class Booted:
    """A running app; made by `boot`.

    Attributes:
        app: The object that is called.
        name: What messages call it.
        interface: `asgi` or `wsgi`.
        info: What reports say about the server.
        host: The thread and event loop in which the app lives.
        threads: What calls a WSGI app; None for ASGI.
        lifespan: The app's lifespan, started; None for WSGI.
        last_error: What the app raised during the last request that reached it
            through a client, or how it left that unanswered; its traceback keeps
            that request's objects alive, so set it to None once it has been looked at.
        unseen: What the app raised where no client sees it.
        url: `http://127.0.0.1:PORT`; None where there is no socket.
        concurrency: How many requests the server was told to expect at a time.
    """

    def __init__(
        self, app: Any, *, name: str, interface: str, server: str, host: Host, concurrency: int
    ) -> None:
        self.app = app
        self.name = name
        self.interface = interface
        self.info = ServerInfo(name=server, version=__version__, interface=interface, pid=os.getpid())
        self.host = host
        self.concurrency = concurrency
        self.threads = Threads(concurrency) if interface == "wsgi" else None
        self.lifespan: Lifespan | None = None
        self.last_error: BaseException | None = None
        self.unseen = Unseen()
        self.url: str | None = None
        self._server: BundledServer | None = None
        self._closed = False

    @property
    def state(self) -> dict[str, Any]:
        """What the lifespan left for the requests; each gets a copy of its own."""
        return {} if self.lifespan is None else self.lifespan.state

    def unfinished(self) -> int:
        """Count the requests whose app call has not returned, though they may be answered.

        On `direct` a batch ends when its calls have returned; what is counted
        there are calls that were left behind because they hung.
        """
        if self._server is not None:
            n_unfinished = self._server.unfinished
            if n_unfinished:
                self.host.rests = False
            return n_unfinished
        return 0 if self.threads is None else self.threads.unended

    def close(self) -> None:
        """Shut the app down and end its thread; in bounded time even if the app hangs."""
        if self._closed:
            return
        self._closed = True
        if self._server is not None:
            self._run_to_close(self._server.close())
        if self.threads is not None:
            self.threads.close(timeout=GRACE_SECONDS)
        if self.lifespan is not None:
            self._run_to_close(self.lifespan.stop())
            self.unseen.lifespan = self.lifespan.failed_later
        self.host.close()

    def _run_to_close(self, work: Coroutine[Any, Any, None]) -> None:
        # RuntimeError: the loop is closed already. What an app raises while it is shut down is no
        # part of what was measured.
        with contextlib.suppress(HostTimeout, RuntimeError):
            self.host.run(work, timeout=GRACE_SECONDS)

    def __enter__(self) -> Booted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make_agent(self, *, roots: Mapping[str, object] | None = None) -> Agent:
        """Make the agent of one run; it lives in this process.

        Args:
            roots: More names for paths to begin with.
        """
        return agent_for(self, roots=roots)

    def pass_loop(self) -> None:
        """Wait until the app's loop has run what was ready."""
        self.host.barrier()

    def output_tail(self) -> str:
        """What a server has written: nothing that the caller has not seen."""
        return ""

    def gone(self, wait_seconds: float = 0.0) -> ReqleakError | None:
        """What a failed request was due to, other than itself: in this process, nothing."""
        return None

    def _start(self, timeout: float, port: int) -> None:
        if self.interface == "asgi":
            self.lifespan = Lifespan(self.app, name=self.name)
            try:
                self.host.run(self.lifespan.start(), timeout=timeout)
            except HostTimeout as late:
                raise BootFailed(
                    f"{self.name}: the app's lifespan start-up was not done after {format_seconds(timeout)}: "
                    "it neither sent lifespan.startup.complete nor returned"
                ) from late
            finally:
                if self.lifespan.task is not None:
                    self.host.keep_task(self.lifespan.task)
        if self.info.name == "bundled":
            from pytest_reqleak.servers.bundled import BundledServer

            server = BundledServer(self)
            try:
                port = self.host.run(server.start(port), timeout=timeout)
            except OSError as error:
                raise BootFailed(f"{self.name}: no loopback socket can be opened: {error}") from error
            except HostTimeout as late:
                raise BootFailed(
                    f"{self.name}: the app still blocks its event loop {format_seconds(timeout)} "
                    "after its start-up, so that no request can reach it"
                ) from late
            self._server = server
            self.url = f"http://127.0.0.1:{port}"


def boot(
    app: Any,
    *,
    server: str = "bundled",
    interface: str = "auto",
    concurrency: int = 1,
    timeout: float,
    name: str | None = None,
    port: int = 0,
) -> Booted:
    """Start an app in this process, on a thread of its own, with its lifespan done.

    Args:
        app: An ASGI or WSGI app object.
        server: `bundled` or `direct`.
        interface: `asgi`, `wsgi`, or `auto` to tell by looking at the app.
        concurrency: Requests at a time; a WSGI app gets as many threads.
        timeout: Seconds the start-up may take.
        name: What messages call the app; None: what it is.
        port: Of the bundled server; 0: any that is free.

    Raises:
        TargetError: `app` is no app, or not one for that interface.
        BootFailed: Its start-up failed or took too long.
        UsageError: No such server.
    """
    if server not in SERVERS:
        raise UsageError(f"server = {server!r}: must be one of {', '.join(SERVERS)}")
    chosen = choose_interface(app, interface, name=name)
    host = Host()
    host.start()
    booted = Booted(
        app,
        name=name or f"{type(app).__module__}.{type(app).__qualname__}",
        interface=chosen,
        server=server,
        host=host,
        concurrency=concurrency,
    )
    try:
        booted._start(timeout, port)
    except BaseException:
        booted.close()
        raise
    return booted
