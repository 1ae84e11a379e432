"""Start an ASGI app up and shut it down through its lifespan.

Apps without lifespan are fine, as the ASGI specification demands: what they
raise on a scope they do not know is remembered, but is no failure.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import MutableMapping
from typing import Any

from pytest_reqleak.errors import BootFailed
from pytest_reqleak.servers.failure import describe_exception, indent, told
from pytest_reqleak.servers.host import GRACE_SECONDS

ASGI_VERSIONS = {"version": "3.0", "spec_version": "2.4"}
"""2.4 is the first in which `send` raises OSError once the client is gone."""

_LIFESPAN_VERSIONS = {"version": "3.0", "spec_version": "2.0"}


class Lifespan:
    """One app's lifespan; used on the loop of its host only.

    Attributes:
        state: What the app left in `scope["state"]`; each request gets a shallow copy.
        error: What the app raised on its lifespan where that counts as not
            supporting it; shown when its requests fail later.
        failed_later: What went wrong after the start-up, as a sentence; empty: nothing that is known.
    """

    def __init__(self, app: Any, *, name: str) -> None:
        self.state: dict[str, Any] = {}
        self.error: BaseException | None = None
        self.failed_later = ""
        self.task: asyncio.Task[None] | None = None
        self._app = app
        self._name = name
        self._asked = False
        self._misunderstood = False
        self._failure: str | None = None
        self._started: asyncio.Future[None]
        self._stopping: asyncio.Future[None]
        self._stopped: asyncio.Future[None]

    async def start(self) -> None:
        """Let the app start up; the caller bounds the wait.

        Raises:
            BootFailed: The app said, or showed, that its start-up failed.
        """
        loop = asyncio.get_running_loop()
        self._started, self._stopping, self._stopped = (loop.create_future() for _ in range(3))
        self.task = loop.create_task(self._run(), name="reqleak-lifespan")
        await self._started
        if self._failure is not None:
            # Frameworks report the failure first and raise what caused it right after.
            await asyncio.wait({self.task}, timeout=GRACE_SECONDS)
            raise BootFailed(self._start_up_failed(self._failure))
        if self.error is not None and self._knew_lifespan(self.error):
            raise BootFailed(
                told(
                    f"{self._name}: the app's lifespan start-up raised {describe_exception(self.error)}",
                    self.error,
                )
            )

    async def stop(self) -> None:
        """Let the app shut down; the caller bounds the wait."""
        if self.task is None or self.task.done() or not self._started.done():
            return
        if not self._stopping.done():
            self._stopping.set_result(None)
        await asyncio.wait({self.task, self._stopped}, return_when=asyncio.FIRST_COMPLETED)
        # Code after the last message (closing context managers) belongs to the shutdown.
        await asyncio.wait({self.task})

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": dict(_LIFESPAN_VERSIONS), "state": self.state}
        try:
            await self._app(scope, self._receive, self._send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit of an app must not end the loop
            self.error = error
            if self._started.done():
                when = "at its shutdown" if self._stopping.done() else "while requests were sent"
                self.failed_later = f"the app's lifespan raised {describe_exception(error)} {when}"
        finally:
            for future in (self._started, self._stopped):
                if not future.done():
                    future.set_result(None)

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await asyncio.shield(self._stopping)
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            if not self._started.done():
                self._started.set_result(None)
        elif kind == "lifespan.startup.failed":
            self._failure = str(message.get("message") or "")
            if not self._started.done():
                self._started.set_result(None)
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            if kind == "lifespan.shutdown.failed":
                lines = str(message.get("message") or "").strip().splitlines() or ["it gave no reason"]
                self.failed_later = f"the app's lifespan shutdown failed: {_what_happened_first(lines)[0]}"
            if not self._stopped.done():
                self._stopped.set_result(None)
        else:
            self._misunderstood = True
            raise RuntimeError(f"expected a message of the lifespan, not {kind!r}")

    def _start_up_failed(self, message: str) -> str:
        line = f"{self._name}: the app's lifespan start-up failed"
        if self.error is not None:
            return told(f"{line}: {describe_exception(self.error)}", self.error)
        lines = message.strip().splitlines()
        if not lines:
            return f"{line}; it gave no reason"
        first, *below = _what_happened_first(lines)
        return "\n".join([f"{line}: {first}", *map(indent, below)])

    def _knew_lifespan(self, error: BaseException) -> bool:
        """Whether the app took the start-up message for what it is, and then failed.

        An app that looks at no scope type takes it for a request and trips over
        it; only code that names the lifespan can have meant to handle it.
        """
        if not self._asked or self._misunderstood:
            return False
        return any(
            isinstance(constant, str) and constant.startswith("lifespan")
            for frame, _ in traceback.walk_tb(error.__traceback__)
            if frame.f_globals.get("__name__") != __name__
            for constant in frame.f_code.co_consts
        )


def _what_happened_first(lines: list[str]) -> list[str]:
    """What frameworks send is a whole traceback: the exception stands behind its frames."""
    tops = [place for place, line in enumerate(lines) if line.startswith("Traceback (")]
    if not tops:
        return lines
    behind = (place for place in range(tops[-1] + 1, len(lines)) if not lines[place].startswith(" "))
    said = next(behind, len(lines))
    return lines[said:] + lines[:said]
