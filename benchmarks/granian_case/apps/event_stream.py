"""ASGI without a framework: an event stream that sends one event and waits until the client leaves."""

from __future__ import annotations

from typing import Any

HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]


async def wait_for_disconnect(receive: Any) -> None:
    """Return when the client is gone; a server that never says so keeps us for ever."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Stream to one client; lifespan is none of its business."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"data: hello\n\n", "more_body": True})
    await wait_for_disconnect(receive)
