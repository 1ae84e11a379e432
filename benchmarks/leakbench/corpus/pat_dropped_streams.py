"""A ticker forgets its subscriber only when the stream ends well; a third of the clients hang up."""

import asyncio

CASE = {
    "name": "pat_dropped_streams",
    "interface": "asgi",
    "expected": "leak",
    "kind": "disconnect",
    "python": "3.12",
    "requests": [
        {"path": "/ticker/{i}"},
        {"path": "/ticker/{i}"},
        {"path": "/ticker/{i}", "disconnect": True},
    ],
    "needs": [],
    "source": "pattern",
    "site": "subscribe",
    "holder": "module global SUBSCRIBERS",
    "approx_bytes_per_request": 1228.5,
}


SUBSCRIBERS = {}


def subscribe(name):
    queue = SUBSCRIBERS[name] = asyncio.Queue()
    for price in range(4):
        queue.put_nowait(f"{name}: {price}".encode())
    return queue


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    name = scope["path"]
    queue = subscribe(name)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not queue.empty():
        await send({"type": "http.response.body", "body": queue.get_nowait(), "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})
    del SUBSCRIBERS[name]
