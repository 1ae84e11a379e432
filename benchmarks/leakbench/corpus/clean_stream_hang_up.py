"""Streams with a generator that tidies up, also when a fourth of the clients hang up in the middle."""

import asyncio

from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

CASE = {
    "name": "clean_stream_hang_up",
    "interface": "asgi",
    "expected": "clean",
    "kind": "disconnect",
    "python": "3.12",
    "requests": [
        {"path": "/tail/{i}"},
        {"path": "/tail/{i}"},
        {"path": "/tail/{i}"},
        {"path": "/tail/{i}", "disconnect": True},
    ],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
}

OPEN = set()


async def lines(name):
    OPEN.add(name)
    try:
        for number in range(12):
            yield f"{name}: line {number}\n" * 10
            await asyncio.sleep(0)
    finally:
        OPEN.discard(name)


async def tail(request):
    return StreamingResponse(lines(request.path_params["name"]))


app = Starlette(routes=[Route("/tail/{name}", tail)])
