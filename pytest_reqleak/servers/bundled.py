"""The bundled server: HTTP/1.1 on a loopback socket, in the loop of the app's host.

It exists because a server is part of what is measured: this one makes no timer,
no log record, no date string and no task that outlives its request, so that an
empty app reads exactly flat.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from pytest_reqleak.servers.asgi import AsgiExchange
from pytest_reqleak.servers.connection import Connection
from pytest_reqleak.servers.wsgi import base_environ
from pytest_reqleak.servers.wsgi_exchange import WsgiExchange

if TYPE_CHECKING:
    from pytest_reqleak.servers.booted import Booted

ADDRESS = "127.0.0.1"
_BACKLOG = 1024


class BundledServer:
    """Listens for one app; used on the loop of its host, but for the counters.

    Attributes:
        booted: What it serves.
        running: The exchanges of an ASGI app whose call has not returned.
        connections: The open ones.
        scope: What every scope has in common; copied for each request.
        environ: What every environ has in common; copied for each request.
        exchange: Makes an exchange of the app's interface.
        closing: Whether the server is being closed.
    """

    def __init__(self, booted: Booted) -> None:
        self.booted = booted
        self.app = booted.app
        self.threads = booted.threads
        self.loop = booted.host.loop
        self.running: set[AsgiExchange] = set()
        self.connections: set[Connection] = set()
        self.closing = False
        self.exchange: type[AsgiExchange | WsgiExchange] = (
            AsgiExchange if booted.interface == "asgi" else WsgiExchange
        )
        self.scope: dict[str, Any] = {
            "type": "http",
            "scheme": "http",
            "root_path": "",
            "server": (ADDRESS, 0),
            "state": booted.state,
        }
        self.environ: dict[str, Any] = {}
        self._multithread = booted.concurrency > 1
        self._listener: asyncio.Server | None = None

    @property
    def unfinished(self) -> int:
        """How many app calls have not returned."""
        return len(self.running) if self.threads is None else self.threads.unended

    async def start(self, port: int = 0) -> int:
        """Listen; the port, which for 0 the system chooses."""
        self._listener = await self.loop.create_server(
            functools.partial(Connection, self), ADDRESS, port, backlog=_BACKLOG
        )
        self.booted.host.before_end(self.drop)
        port = int(self._listener.sockets[0].getsockname()[1])
        self.scope["server"] = (ADDRESS, port)
        self.environ = base_environ(
            method="GET", server=(ADDRESS, port), client=(ADDRESS, 0), multithread=self._multithread
        )
        return port

    def drop(self) -> None:
        """Stop listening and drop all connections, once; their requests learn that the client is gone."""
        self.closing = True
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self.connections):
            connection.drop()

    async def close(self) -> None:
        """Do as `drop`, and wait until the connections have ended."""
        self.drop()
        while self.connections:
            await asyncio.sleep(0)
