"""An app behind a server in a process of its own, with the agent inside the worker.

Knows how a server is started, is found to be ready, and ends. What is asked for stands in
`asked`; what is said to the agent in the worker goes through `orders`.
"""

from __future__ import annotations

import select
import shutil
import socket
import time
from collections.abc import Mapping, Sequence

from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.agent.remote import RemoteAgent
from pytest_reqleak.errors import BootFailed, ReqleakError
from pytest_reqleak.model.run import ServerInfo
from pytest_reqleak.servers.asked import Asked, ask
from pytest_reqleak.servers.kinds import ADDRESS
from pytest_reqleak.servers.orders import Orders
from pytest_reqleak.servers.process import GRACE_SECONDS, ServerProcess
from pytest_reqleak.servers.surroundings import free_port, private_folder
from pytest_reqleak.servers.unseen import Unseen
from pytest_reqleak.servers.workers import OtherInterface, Worker, Workers
from pytest_reqleak.units import format_seconds

# A path that no app has: whatever it answers, it answers.
_READY_PATH = "/-/reqleak-ready"

_READY_SECONDS = 30.0
_WAIT_SECONDS, _LOOK_SECONDS = 0.4, 0.005

# Who accepts connections does so at once.
_ACCEPT_SECONDS = 1.0

# Between asking for a free port and the server's binding it, somebody else may take it.
_PORT_ATTEMPTS = 3
_PORT_TAKEN = ("address already in use", "address in use")


class ExternalApp:
    """A running app; made by `boot_external`, with the face of `BootedApp`.

    Attributes:
        interface: `asgi`, `rsgi` or `wsgi`.
        url: `http://127.0.0.1:PORT`.
        last_error: What the app raised is known in its own process only: always None.
        unseen: Empty, for the same reason.
    """

    def __init__(self, asked: Asked, interface: str) -> None:
        """Start the server; `start` waits until it is ready.

        Args:
            asked: What was asked for.
            interface: What the server is started for.
        """
        self._asked = asked
        self.interface = interface
        self.last_error: BaseException | None = None
        self.unseen = Unseen()

        self._folder = private_folder()
        self._workers = Workers(self._folder)
        self._port = free_port()
        self.url = f"http://{ADDRESS}:{self._port}"
        listener = self._workers.listener
        self._process = ServerProcess(
            asked.command(interface, self._port),
            environment=asked.whole_environment(interface, listener.path, listener.key),
            folder=self._folder,
            grace_seconds=GRACE_SECONDS,
        )
        self._orders = Orders(asked, self._process, self._workers)

    @property
    def name(self) -> str:
        """What messages call the app."""
        return self._orders.name

    @property
    def info(self) -> ServerInfo:
        """What reports say about the server; the pid is the worker's."""
        worker = self._workers.serving
        about = (worker.about if worker is not None else None) or {}
        return ServerInfo(
            name=self._asked.kind.name,
            version=self._asked.version,
            interface=self.interface,
            pid=worker.pid if worker is not None else 0,
            isolated=True,
            allocator=str(about.get("allocator", "")),
            python_malloc=str(about.get("python_malloc", "")),
            arguments=self._asked.arguments,
        )

    @property
    def refused(self) -> int:
        """How many strangers came to the channel and were turned away."""
        return self._workers.listener.refused

    def start(self) -> None:
        """Wait until the app answers, and find the worker that does.

        Raises:
            ReqleakError: It did not come so far.
            OtherInterface: The app is one for another interface.
        """
        asked, workers = self._asked, self._workers
        deadline = time.monotonic() + asked.timeout
        while True:
            pause = _LOOK_SECONDS if workers.have_loaded else _WAIT_SECONDS
            select.select([*workers.awaited, self._process], [], [], pause)
            workers.welcome(self.interface)
            if self._process.has_ended():
                # Its last words, why it could not load the app, say more than its exit code.
                workers.welcome(self.interface)
                raise BootFailed(self._orders.ended("before it answered a request"))
            if workers.have_loaded and self._answers():
                return
            if time.monotonic() > deadline:
                raise BootFailed(
                    f"{self.name}: {asked.server} was not ready after {format_seconds(asked.timeout)}: "
                    f"{self._reached()}{self._orders.said()}"
                )

    def _reached(self) -> str:
        if not len(self._workers):
            return "no worker has come up"
        if not self._workers.have_loaded:
            return "the app is still being imported"
        return "it accepts no connection yet (is the app's lifespan start-up hanging?)"

    def _answers(self) -> bool:
        """Send a request, and tell whether it was answered, by a worker that we know."""
        try:
            sock = socket.create_connection((ADDRESS, self._port), timeout=_READY_SECONDS)
        except OSError:
            return False
        with sock:
            try:
                serving = self._request(sock)
            except TimeoutError:
                seconds = format_seconds(_READY_SECONDS)
                raise BootFailed(
                    f"{self.name}: {self._asked.server} accepted a request for {_READY_PATH} but did not "
                    f"answer it within {seconds}{self._orders.said()}"
                ) from None
            except OSError:
                return False
        if serving is None:
            return False
        self._workers.settle_on(serving)
        self._orders.name = str((serving.about or {}).get("name", self.name))
        return True

    def _request(self, sock: socket.socket) -> Worker | None:
        # The rest of the request waits until we know who has accepted the connection: some
        # servers close it with the answer.
        sock.sendall(f"GET {_READY_PATH} HTTP/1.1\r\nHost: {ADDRESS}:{self._port}\r\n".encode())
        serving = self._workers.find(
            sock.getsockname()[1], self.interface, seconds=_ACCEPT_SECONDS, answer_seconds=_READY_SECONDS
        )
        if serving is None:
            return None
        sock.sendall(b"\r\n")
        return serving if sock.recv(4096).startswith(b"HTTP/1.") else None

    def make_agent(self, *, roots: Mapping[str, object] | None = None) -> Agent:
        """Begin a run of the agent in the worker.

        Args:
            roots: Names of this process, which lead to nothing in the other.
        """
        return RemoteAgent(self._orders.give)

    def pass_loop(self) -> None:
        """Nothing: the agent's own settling does it, and comes with the sample."""

    def gone(self, wait_seconds: float = 0.0) -> ReqleakError | None:
        """Tell whether the process that is measured is gone, and how.

        Args:
            wait_seconds: How long to wait for its end, where a request has failed.
        """
        return self._orders.gone(wait_seconds)

    def output_tail(self) -> str:
        """The last lines that the server and the app have written."""
        return self._process.output_tail()

    @property
    def port_was_taken(self) -> bool:
        """Whether the server has said that somebody else listens on its port."""
        said = self._process.output_tail().lower()
        return any(words in said for words in _PORT_TAKEN)

    def close(self) -> None:
        """Stop the server and everything that came of it; in bounded time even if it hangs."""
        if self._orders.closed:
            return
        self._orders.closed = True
        try:
            self._process.close()
        finally:
            self._workers.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> ExternalApp:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def boot_external(
    target: str,
    *,
    server: str,
    interface: str = "auto",
    factory: bool = False,
    concurrency: int = 1,
    timeout: float,
    arguments: Sequence[str] = (),
    python_malloc: str = "pymalloc",
    allocator: str = "glibc",
    environment: Mapping[str, str] | None = None,
) -> ExternalApp:
    """Start a server in a process of its own, and wait until the app answers there.

    Args:
        target: The app's import string; only the worker loads it.
        server: `granian`, `uvicorn`, `hypercorn`, `gunicorn` or `bundled`.
        interface: One that the server speaks, or `auto`.
        factory: Whether the target is called to make the app.
        concurrency: Requests at a time.
        timeout: Seconds the start-up may take, and the most for an order of the agent.
        arguments: More arguments for the server.
        python_malloc: `pymalloc` or `malloc`: what serves Python's objects there.
        allocator: `glibc` (the C library's own), `jemalloc`, `mimalloc` or `tcmalloc`: what serves
            C code there.
        environment: More variables for the server's process, such as an allocator's settings.

    Raises:
        UsageError: The server does not speak that interface, or an argument is ours to set.
        ServerMissing: It is not installed, or too old.
        AllocatorMissing: The allocator is not installed.
        TargetError: The target is no app, or not one for that interface.
        BootFailed: The server or the app did not start.
    """
    asked = ask(
        target,
        server=server,
        interface=interface,
        factory=factory,
        concurrency=concurrency,
        timeout=timeout,
        arguments=arguments,
        python_malloc=python_malloc,
        allocator=allocator,
        environment=environment or {},
    )
    chosen = asked.first_interface
    attempts = _PORT_ATTEMPTS
    while True:
        app = ExternalApp(asked, chosen)
        try:
            app.start()
        except OtherInterface as other:
            app.close()
            chosen = other.interface
        except BootFailed:
            attempts -= 1
            retry = attempts > 0 and app.port_was_taken
            app.close()
            if not retry:
                raise
        except BaseException:
            app.close()
            raise
        else:
            return app
