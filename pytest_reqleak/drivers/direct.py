"""Call an ASGI app through its interface: no socket, one thread hop per batch.

Rule of this file: what runs per request is counted in microseconds, because an
endpoint itself may take 45 of them. So a scope is a copy of one made before the
first batch, and a request costs one object besides those the app needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from pytest_reqleak.drivers.failure import broken_answer, no_answer, unexpected_status
from pytest_reqleak.drivers.template import Template, Text, decode_path
from pytest_reqleak.errors import RequestTimeout
from pytest_reqleak.model.request import Request
from pytest_reqleak.servers.booted import Booted
from pytest_reqleak.servers.host import HostTimeout
from pytest_reqleak.servers.interface import is_coroutine_app
from pytest_reqleak.servers.lifespan import ASGI_VERSIONS

HOST_NAME = "127.0.0.1"
SERVER_ADDRESS = (HOST_NAME, 80)
CLIENT_ADDRESS = (HOST_NAME, 50000)


class Exchange:
    """One request and its response, seen from the app's side.

    Attributes:
        start: The message with the response's head, as the app sent it.
        piece: The first message with a piece of its body.
        complete: Whether the response is.
        template: The request of the workload, and
        number: the iteration: set by the driver, to name the request.
    """

    __slots__ = ("_ask", "_waiters", "complete", "number", "piece", "start", "template")

    gone = False
    """Whether the app was told that the client has left."""

    template: Template
    number: int

    def __init__(self, body: bytes) -> None:
        # What the app sent is only referred to: it is looked at when the answer is none.
        self.start: Any = None
        self.piece: Any = None
        self.complete = False
        self._ask: bytes | None = body
        self._waiters: list[asyncio.Future[None]] | None = None

    @property
    def status(self) -> int:
        """Of the response; 0 until it has begun."""
        return 0 if self.start is None else self.start["status"]

    @property
    def headers(self) -> Any:
        """Of the response."""
        return () if self.start is None else self.start.get("headers", ())

    @property
    def answer(self) -> bytes:
        """The first piece of the response's body."""
        return b"" if self.piece is None else self.piece.get("body", b"")

    async def receive(self) -> dict[str, Any]:
        """The body in one message, then the disconnect once the response is complete."""
        body = self._ask
        if body is not None:
            self._ask = None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.complete:
            # An app may wait in more than one task, and may cancel any of them.
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await waiter
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Keep what is needed to judge the answer: its head and the start of its body."""
        if self.start is None:
            if message["type"] != "http.response.start":
                raise RuntimeError(f"{message['type']!r} was sent where 'http.response.start' was expected")
            self.start = message
            return
        if self.complete:
            raise RuntimeError(f"{message['type']!r} was sent after the response was complete")
        if message["type"] != "http.response.body":
            raise RuntimeError(f"{message['type']!r} was sent where 'http.response.body' was expected")
        if self.piece is None:
            self.piece = message
        if "more_body" not in message or not message["more_body"]:
            self.complete = True
            if self._waiters is not None:
                self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = None


class LeavingExchange(Exchange):
    """One whose client is gone after the request and the second message of the response."""

    __slots__ = ("_messages", "gone")

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.gone = False
        self._messages = 0

    async def receive(self) -> dict[str, Any]:
        """The body, then the disconnect at once."""
        if self._ask is not None:
            return await super().receive()
        self.gone = True
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take two messages, then fail as a closed socket does."""
        if self._messages == 2 and not self.complete:
            self.gone = True
            raise OSError("the client has disconnected")
        self._messages += 1
        await super().send(message)


class ScopeMaker:
    """Makes the scopes of one request of the workload."""

    __slots__ = ("_headers", "_path", "_query", "_raw_path", "_scope", "_state", "_varies", "template")

    def __init__(self, template: Template, state: dict[str, Any]) -> None:
        self.template = template
        self._state = state
        raw_path, query = template.target.partition(b"?")
        self._raw_path, self._query = raw_path, query
        self._path = decode_path(raw_path)
        # Only where a header's value or the body's length depends on the iteration's number.
        self._headers = (
            template.headers
            if template.body.constant is None or any(value.constant is None for _, value in template.headers)
            else None
        )
        self._varies = self._headers is not None or template.target.constant is None
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": ASGI_VERSIONS,
            "http_version": "1.1",
            "server": SERVER_ADDRESS,
            "client": CLIENT_ADDRESS,
            "scheme": "http",
            "method": template.method,
            "root_path": "",
            "path": "".join(self._path),
            "raw_path": raw_path.constant,
            "query_string": query.constant,
            "headers": [],
            "state": state,
        }
        if self._headers is None:
            self._scope["headers"] = self._fill_headers(template.headers, b"", template.body.fill(b""))

    def fill(self, number: int, body: bytes) -> dict[str, Any]:
        """A scope of its own for iteration `number`: the app may write to all of it."""
        scope = self._scope.copy()
        scope["asgi"] = ASGI_VERSIONS.copy()
        scope["state"] = self._state.copy()
        scope["headers"] = scope["headers"].copy()
        if not self._varies:
            return scope
        digits = b"%d" % number
        if scope["raw_path"] is None:
            scope["path"] = str(number).join(self._path)
            scope["raw_path"] = self._raw_path.fill(digits)
        if scope["query_string"] is None:
            scope["query_string"] = self._query.fill(digits)
        if self._headers is not None:
            scope["headers"] = self._fill_headers(self._headers, digits, body)
        return scope

    def _fill_headers(
        self, headers: list[tuple[bytes, Text]], digits: bytes, body: bytes
    ) -> list[tuple[bytes, bytes]]:
        return [(name, value.fill(digits)) for name, value in headers] + self.template.framing(body)


class DirectAsgiDriver:
    """Calls the app in its own loop; each request is a task, as behind a server."""

    def __init__(
        self, booted: Booted, requests: Sequence[Request], *, concurrency: int, request_seconds: float
    ) -> None:
        self._booted = booted
        self._makers = [ScopeMaker(Template(request, host=HOST_NAME), booted.state) for request in requests]
        self._concurrency = concurrency
        self._request_seconds = request_seconds
        self._call = coroutine_app(booted.app)
        self._running: list[Exchange | None] = [None] * concurrency
        self._stopping = False

    def run_batch(self, first: int, count: int, only: int | None = None) -> None:
        """Make the iterations happen; see `Driver`. A batch ends when all app calls have returned."""
        makers = self._makers if only is None else self._makers[only : only + 1]
        numbers = iter(range(first, first + count))
        self._stopping = False
        try:
            self._booted.host.run(
                self._batch(makers, numbers),
                timeout=self._request_seconds,
                progress=self._progress,
                before_cancel=self._stop,
                rest=True,
            )
        except HostTimeout as late:
            raise self._too_late(late) from late
        finally:
            self._running = [None] * self._concurrency

    def close(self) -> None:
        """Nothing to let go of."""

    async def _batch(self, makers: list[ScopeMaker], numbers: Iterator[int]) -> None:
        if self._concurrency == 1:
            await self._series(makers, numbers, 0)
            return
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._series(makers, numbers, place)) for place in range(self._concurrency)]
        try:
            # Not gather(): it leaves a block in a free list of CPython at each of its first 255 calls.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            unended = {task for task in tasks if not task.done()}
            if unended:
                self._stop()
                for task in unended:
                    task.cancel()
                await asyncio.wait(unended)

    async def _series(self, makers: list[ScopeMaker], numbers: Iterator[int], place: int) -> None:
        create_task = asyncio.get_running_loop().create_task
        call, running, requests = self._call, self._running, len(makers)
        for number in numbers:
            maker = makers[number % requests]
            template = maker.template
            body = template.body.constant
            if body is None:
                body = template.body.fill(b"%d" % number)
            exchange = LeavingExchange(body) if template.leaves_early else Exchange(body)
            exchange.template = template
            exchange.number = number
            running[place] = exchange
            error: BaseException | None = None
            task = create_task(call(maker.fill(number, body), exchange.receive, exchange.send))
            try:
                await task
            except asyncio.CancelledError as cancelled:
                # Both arrive here: the app cancelled its own task, or the batch is being cancelled.
                if self._stopping:
                    raise
                error = cancelled
            except BaseException as raised:  # noqa: BLE001 - a server survives whatever an app raises
                error = raised
            if error is not None or not exchange.complete or exchange.start["status"] not in template.good:
                _judge(exchange, error)
                if error is not None and exchange.complete and not exchange.gone:
                    self._booted.unseen.take(error, status=exchange.status)
                error = None
        running[place] = None

    def _progress(self) -> object:
        return [None if exchange is None else exchange.number for exchange in self._running]

    def _stop(self) -> None:
        self._stopping = True

    def _too_late(self, late: HostTimeout) -> RequestTimeout:
        exchange = min(filter(None, self._running), key=lambda exchange: exchange.number, default=None)
        if exchange is None:
            return RequestTimeout(
                f"{self._booted.name}: the app blocks its event loop, so that no request can be sent to it"
            )
        return no_answer(
            exchange.template.request,
            exchange.number,
            self._request_seconds,
            reached=_reached(exchange),
            left_behind=""
            if late.stopped
            else "it does not react to being cancelled and is left behind, still running",
        )


def _reached(exchange: Exchange) -> str:
    if not exchange.status:
        return "no response had begun"
    if not exchange.complete:
        return f"its response (status {exchange.status}) had begun but not ended"
    return f"it was answered {exchange.status}, but the app's call has not returned: background work in it?"


def _judge(exchange: Exchange, error: BaseException | None) -> None:
    """Raise unless what the client would have seen is an answer that counts as one."""
    template, number = exchange.template, exchange.number
    request = template.request
    status, headers, answer = exchange.status, exchange.headers, exchange.answer
    if not status:
        if exchange.gone:
            return
        if error is None:
            raise broken_answer(request, number, "got no response: the app returned without one", error=None)
        # What a server answers for an app that raised before it responded.
        status, headers, answer = 500, (), b""
    elif not exchange.complete and not exchange.gone:
        how = "the app returned before its end" if error is None else "the app raised before its end"
        raise broken_answer(
            request,
            number,
            f"got a response (status {status}) that broke off: {how}",
            error=error,
            shown=(status, headers, answer),
        )
    if status not in template.good:
        raise unexpected_status(request, number, status, headers=headers, body=answer, error=error)


def coroutine_app(app: Any) -> Any:
    """The app, wrapped if it may return another awaitable than a coroutine, which no task can run."""
    if is_coroutine_app(app):
        return app

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return call
