"""The least of an ASGI app: one handler, one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


def app_of(handle: Callable[[str], Awaitable[bytes | None]]) -> Any:
    """Make an ASGI app that answers 200 with what `handle` returns for the path."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        body = await handle(scope["path"]) or b"ok"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app
