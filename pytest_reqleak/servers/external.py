"""An app behind a server in a process of its own, with the agent inside the worker.

Knows how a server is started, is found to be ready, fails and ends. What is said to
the agent in the worker is the business of `agent.remote`.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.agent.channel import ChannelClosed, Refused
from pytest_reqleak.agent.remote import RemoteAgent
from pytest_reqleak.errors import BootFailed, ReqleakError, UsageError
from pytest_reqleak.model.run import ServerInfo
from pytest_reqleak.servers.failure import indent
from pytest_reqleak.servers.kinds import (
    ADDRESS,
    WORKER,
    WORKER_VARIABLE,
    Launch,
    ServerKind,
    kind_of,
    version_tuple,
)
from pytest_reqleak.servers.preload import preloading
from pytest_reqleak.servers.process import GRACE_SECONDS, ServerProcess
from pytest_reqleak.servers.surroundings import free_port, private_folder, settings_for
from pytest_reqleak.servers.workers import OtherInterface, Worker, Workers
from pytest_reqleak.units import format_seconds

# A path that no app has: whatever it answers, it answers.
_READY_PATH = "/-/reqleak-ready"

_READY_SECONDS = 30.0
_WAIT_SECONDS, _LOOK_SECONDS = 0.4, 0.005

ANSWER_SECONDS = 60.0
"""How long the agent may take to obey; a settle takes milliseconds, its limits add up to 8 s."""

# These go through the whole heap, or read a capture.
_LONG_ORDERS = frozenset({"stop_tracing", "mark_objects", "grown_types", "grown_holders"})
_LONG_FACTOR = 5

# Between asking for a free port and the server's binding it, somebody else may take it.
_PORT_ATTEMPTS = 3
_PORT_TAKEN = ("address already in use", "address in use")

# A worker's end is seen at once; its server then ends too, or starts another.
_END_SECONDS = 1.0


class WorkerLost(ReqleakError):
    """The process that was measured ended, was replaced, or does not answer: the run is void."""

    slug = "worker-lost"


class OrderFailed(ReqleakError):
    """The agent in the worker could not do what it was told."""

    slug = "order-failed"


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


class ExternalApp:
    """A running app; made by `boot_external`, with the face of `BootedApp`.

    Attributes:
        name: What messages call the app.
        interface: `asgi`, `rsgi` or `wsgi`.
        url: `http://127.0.0.1:PORT`.
        last_error: What the app raised is known in its own process only: always None.
    """

    def __init__(self, asked: Asked, interface: str) -> None:
        """Start the server; `start` waits until it is ready.

        Args:
            asked: What was asked for.
            interface: What the server is started for.
        """
        self._asked = asked
        self.interface = interface
        self.name = asked.target
        self.last_error: BaseException | None = None
        self._closed = False

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
    def server_pid(self) -> int:
        """Of the process that was started; the worker may be a child of it."""
        return self._process.pid

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
                raise BootFailed(self._ended("before it answered a request"))
            if workers.have_loaded and self._answers():
                return
            if time.monotonic() > deadline:
                raise BootFailed(
                    f"{self.name}: {asked.server} was not ready after {format_seconds(asked.timeout)}: "
                    f"{self._reached()}{self._said()}"
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
                    f"answer it within {seconds}{self._said()}"
                ) from None
            except OSError:
                return False
        if serving is None:
            return False
        self._workers.settle_on(serving)
        self.name = str((serving.about or {}).get("name", self.name))
        return True

    def _request(self, sock: socket.socket) -> Worker | None:
        # The rest of the request waits until we know who has accepted the connection: some
        # servers close it with the answer.
        sock.sendall(f"GET {_READY_PATH} HTTP/1.1\r\nHost: {ADDRESS}:{self._port}\r\n".encode())
        serving = self._workers.find(sock.getsockname()[1], self.interface, seconds=_END_SECONDS)
        if serving is None:
            return None
        sock.sendall(b"\r\n")
        return serving if sock.recv(4096).startswith(b"HTTP/1.") else None

    def make_agent(self, *, roots: Mapping[str, object] | None = None) -> Agent:
        """Begin a run of the agent in the worker.

        Args:
            roots: Names of this process, which lead to nothing in the other.
        """
        return RemoteAgent(self._order)

    def pass_loop(self) -> None:
        """Nothing: the agent's own settling does it, and comes with the sample."""

    def _order(self, calls: list[Any]) -> Any:
        """Have the worker's agent obey, and give the result of the last order.

        Raises:
            WorkerLost: It ended, was replaced, or did not answer.
            OrderFailed: It could not.
        """
        lost = self.gone()
        if lost is not None:
            raise lost
        order = str(calls[-1][0])
        seconds = min(ANSWER_SECONDS, self._asked.timeout) * (_LONG_FACTOR if order in _LONG_ORDERS else 1)
        try:
            answer = self._workers.order(calls, seconds)
        except TimeoutError:
            raise WorkerLost(
                f"{self._worker()} did not answer the agent's {order!r} within {format_seconds(seconds)}: "
                f"it is stopped, or native code holds the interpreter{self._said()}"
            ) from None
        except ChannelClosed:
            gone = self.gone(_END_SECONDS)
            raise gone or WorkerLost(f"{self._worker()} left the channel{self._said()}") from None
        except Refused as error:
            raise OrderFailed(f"{self._worker()} answered {order!r} with {error}") from error
        if "result" in answer:
            return answer["result"]
        message = str(answer.get("message") or answer.get("refused"))
        if answer.get("failed"):
            # One of our own, such as that memray is missing.
            raise OrderFailed(message)
        raise OrderFailed(f"{self._worker()} failed at {answer.get('order', order)!r}: {message}")

    def gone(self, wait_seconds: float = 0.0) -> ReqleakError | None:
        """Tell whether the process that is measured is gone, and how.

        Args:
            wait_seconds: How long to wait for its end, where a request has failed.
        """
        if self._closed:
            return WorkerLost(f"{self.name}: {self._asked.server} has been shut down")
        if self._workers.has_left(wait_seconds) or self._process.has_ended():
            if self._process.has_ended(_END_SECONDS):
                return WorkerLost(self._ended("while it was measured"))
            return WorkerLost(f"{self._worker()} ended while it was measured{self._said()}")
        if self._workers.out_of_step:
            return WorkerLost(f"{self._worker()} was left by an interrupted run: boot the app anew")
        return None

    def _worker(self) -> str:
        serving = self._workers.serving
        pid = serving.pid if serving is not None else 0
        return f"{self.name}: the worker of {self._asked.server} (pid {pid})"

    def _ended(self, when: str) -> str:
        code = self._process.exit_code or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"{self.name}: {self._asked.server} {how} {when}{self._said()}"

    def output_tail(self) -> str:
        """The last lines that the server and the app have written."""
        return self._process.output_tail()

    def _said(self) -> str:
        tail = self.output_tail()
        return f"; its last output:\n{indent(tail)}" if tail else "; it has written nothing"

    @property
    def port_was_taken(self) -> bool:
        """Whether the server has said that somebody else listens on its port."""
        said = self._process.output_tail().lower()
        return any(words in said for words in _PORT_TAKEN)

    def close(self) -> None:
        """Stop the server and everything that came of it; in bounded time even if it hangs."""
        if self._closed:
            return
        self._closed = True
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
    if sys.platform == "win32":
        raise UsageError(f"server = {server!r}: servers in processes of their own need a POSIX system")
    kind = kind_of(server)
    if interface not in ("auto", *kind.interfaces):
        raise UsageError(
            f"interface = {interface!r}: {server} speaks {' and '.join(kind.interfaces)}; "
            "choose one of these, or another server"
        )
    kind.check_arguments(arguments)
    asked = Asked(
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
        environment=dict(environment or {}),
    )
    chosen = kind.interfaces[0] if interface == "auto" else interface
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
