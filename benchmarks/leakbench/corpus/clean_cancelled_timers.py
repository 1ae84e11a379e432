"""A timeout per request that is cancelled in time: asyncio drops them by the hundred."""

import asyncio

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_cancelled_timers",
    "interface": "asgi",
    "expected": "clean",
    "kind": "sawtooth",
    "python": "3.12",
    "requests": [{"path": "/quote/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "period": 101,
}


async def quote(request):
    loop = asyncio.get_running_loop()
    timer = loop.call_later(60, print, f"quote {request.path_params['number']} is late")
    await asyncio.sleep(0)
    timer.cancel()
    return JSONResponse({"quote": 1})


app = Starlette(routes=[Route("/quote/{number}", quote)])
