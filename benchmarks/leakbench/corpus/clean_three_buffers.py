"""Three buffers of 64, 101 and 450 entries, written out when full: a saw-tooth with three periods."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_three_buffers",
    "interface": "asgi",
    "expected": "clean",
    "kind": "sawtooth",
    "python": "3.13",
    "requests": [{"path": "/event/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "period": 450,
}

BUFFERS = {64: [], 101: [], 450: []}


async def event(request):
    number = request.path_params["number"]
    for size, buffer in BUFFERS.items():
        buffer.append({"number": number, "text": f"event {number} " * 3})
        if len(buffer) == size:
            buffer.clear()
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route("/event/{number}", event)])
