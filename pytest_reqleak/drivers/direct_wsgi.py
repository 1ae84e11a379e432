"""Call a WSGI app through its interface, on the threads of its server.

Never on the thread of the event loop: a view that runs a loop of its own
(`asyncio.run`, asgiref's `async_to_sync`) is refused where one runs already.
"""

from __future__ import annotations

import functools
import io
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from pytest_reqleak.drivers.direct import CLIENT_ADDRESS, HOST_NAME, SERVER_ADDRESS
from pytest_reqleak.drivers.failure import BODY_SHOWN_BYTES, broken_answer, no_answer, unexpected_status
from pytest_reqleak.drivers.template import Template
from pytest_reqleak.errors import RequestTimeout
from pytest_reqleak.model.request import Request
from pytest_reqleak.servers.booted import Booted
from pytest_reqleak.servers.host import wait_for_end
from pytest_reqleak.servers.wsgi import Headers, WsgiCall, add_headers, base_environ


class Answer:
    """Takes a response and keeps what is needed to judge it: its head and the start of its body."""

    __slots__ = (
        "_leaves_early",
        "_pieces",
        "body",
        "complete",
        "gone",
        "headers",
        "number",
        "status",
        "template",
    )

    template: Template
    """The request of the workload, and the iteration: set by the driver, to name the request."""
    number: int

    def __init__(self, *, leaves_early: bool = False) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.complete = False
        self.gone = False
        self._leaves_early = leaves_early
        self._pieces = 0

    def start(self, status: int, reason: bytes, headers: Headers) -> None:
        """Take the head."""
        self.status = status
        self.headers = headers

    def write(self, piece: bytes, *, last: bool) -> None:
        """Take a piece; a client that leaves early is gone after the first."""
        if self._pieces and not last and self._leaves_early:
            self.gone = True
            raise OSError("the client has disconnected")
        self._pieces += 1
        if len(self.body) <= BODY_SHOWN_BYTES:
            self.body += piece
        self.complete = last


class EnvironMaker:
    """Makes the environs of one request of the workload."""

    __slots__ = ("_environ", "_headers", "_path", "_query", "template")

    def __init__(self, template: Template, *, multithread: bool) -> None:
        self.template = template
        path, self._query = template.target.partition(b"?")
        self._path = [unquote_to_bytes(part).decode("latin-1") for part in path.parts]
        self._environ = base_environ(
            method=template.method, server=SERVER_ADDRESS, client=CLIENT_ADDRESS, multithread=multithread
        )
        self._headers = template.headers
        if all(value.constant is not None for _, value in template.headers):
            add_headers(self._environ, [(name, value.fill(b"")) for name, value in template.headers])
            self._headers = []

    def fill(self, number: int, body: bytes, errors: Any) -> dict[str, Any]:
        """An environ of its own for iteration `number`."""
        environ = self._environ.copy()
        digits = b"%d" % number
        environ["PATH_INFO"] = str(number).join(self._path)
        environ["QUERY_STRING"] = self._query.fill(digits).decode("latin-1")
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.errors"] = errors
        if self._headers:
            add_headers(environ, [(name, value.fill(digits)) for name, value in self._headers])
        for _, length in self.template.framing(body):
            environ["CONTENT_LENGTH"] = length.decode("ascii")
        return environ


class _Batch:
    """What the threads of one batch share."""

    def __init__(self, numbers: Iterator[int], makers: list[EnvironMaker], threads: int) -> None:
        self.numbers = numbers
        self.makers = makers
        self.running: list[Answer | None] = [None] * threads
        self.error: BaseException | None = None
        self.stopping = False
        self.ended = threading.Lock()
        self.ended.acquire()
        self._unended = threads
        self._lock = threading.Lock()

    def progress(self) -> object:
        return [None if answer is None else answer.number for answer in self.running]

    def end_one(self, error: BaseException | None) -> None:
        with self._lock:
            self._unended -= 1
            if error is not None:
                self.stopping = True
                self.error = self.error or error
            if not self._unended:
                self.ended.release()


class DirectWsgiDriver:
    """Calls the app on daemon threads, as many as requests may be in flight."""

    def __init__(
        self, booted: Booted, requests: Sequence[Request], *, concurrency: int, request_seconds: float
    ) -> None:
        assert booted.threads is not None
        self._booted = booted
        self._threads = booted.threads
        self._makers = [
            EnvironMaker(Template(request, host=HOST_NAME), multithread=concurrency > 1)
            for request in requests
        ]
        self._concurrency = concurrency
        self._request_seconds = request_seconds

    def run_batch(self, first: int, count: int, only: int | None = None) -> None:
        """Make the iterations happen; see `Driver`."""
        makers = self._makers if only is None else self._makers[only : only + 1]
        threads = max(1, min(self._concurrency, count))
        batch = _Batch(iter(range(first, first + count)), makers, threads)
        for place in range(threads):
            self._threads.submit(functools.partial(self._series, batch, place))
        ended = False
        try:
            ended = wait_for_end(batch.ended, self._request_seconds, batch.progress)
        finally:
            batch.stopping = not ended or batch.stopping
        if not ended:
            raise self._too_late(batch)
        error, batch.error = batch.error, None
        if error is not None:
            try:
                raise error
            finally:
                # The traceback refers to this frame: break the cycle.
                del error

    def close(self) -> None:
        """Nothing to let go of."""

    def _series(self, batch: _Batch, place: int) -> None:
        try:
            errors = sys.stderr
            app, makers, requests = self._booted.app, batch.makers, len(batch.makers)
            for number in batch.numbers:
                if batch.stopping:
                    break
                maker = makers[number % requests]
                answer = Answer(leaves_early=maker.template.leaves_early)
                answer.template = maker.template
                answer.number = number
                batch.running[place] = answer
                body = maker.template.body.fill(b"%d" % number)
                error: BaseException | None = None
                try:
                    WsgiCall(answer).run(app, maker.fill(number, body, errors))
                except BaseException as raised:  # noqa: BLE001 - a server survives whatever an app raises
                    error = raised
                if error is not None or answer.status not in maker.template.good:
                    _judge(answer, error)
                    if error is not None and answer.complete and not answer.gone:
                        self._booted.unseen.take(error, status=answer.status)
                    error = None
            batch.running[place] = None
        except BaseException as failure:  # noqa: BLE001 - crosses to the thread that waits
            batch.end_one(failure)
        else:
            batch.end_one(None)

    def _too_late(self, batch: _Batch) -> RequestTimeout:
        answer = min(filter(None, batch.running), key=lambda answer: answer.number, default=None)
        if answer is None:
            return RequestTimeout(
                f"{self._booted.name}: every thread is still in an earlier call of the app, "
                "so that no request can be sent to it"
            )
        begun = "a response had begun but not ended" if answer.status else "no response had begun"
        return no_answer(
            answer.template.request,
            answer.number,
            self._request_seconds,
            reached=begun,
            left_behind="a WSGI call cannot be cancelled, so its thread is left behind, still running",
        )


def _judge(answer: Answer, error: BaseException | None) -> None:
    """Raise unless what the client would have seen is an answer that counts as one."""
    if answer.gone:
        error = None
    template, number = answer.template, answer.number
    status, headers, body = answer.status, answer.headers, answer.body
    if not status:
        status, headers, body = 500, [], b""
    elif error is not None and not answer.complete:
        raise broken_answer(
            template.request,
            number,
            f"got a response (status {status}) that broke off: the app raised before its end",
            error=error,
            shown=(status, headers, body),
        )
    if status not in template.good:
        raise unexpected_status(template.request, number, status, headers=headers, body=body, error=error)
