"""A pool that makes one more connection in every twentieth request until it has forty."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_pool_ramp",
    "interface": "asgi",
    "expected": "clean",
    "kind": "plateau-pool",
    "python": "3.11",
    "requests": [{"path": "/query"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "plateau_at": 900,
}

POOL = []
taken = 0


class Connection:
    def __init__(self, number):
        self.number = number
        self.buffer = bytearray(4096)


async def query(request):
    global taken
    taken += 1
    if taken % 20 == 0 and len(POOL) < 40:
        POOL.append(Connection(len(POOL)))
    return JSONResponse({"connections": len(POOL)})


app = Starlette(routes=[Route("/query", query)])
