"""Sends work to a pool of four threads and to asyncio's own."""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_thread_pool",
    "interface": "asgi",
    "expected": "clean",
    "kind": "plateau-pool",
    "python": "3.13",
    "requests": [{"path": "/sums/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
}

POOL = ThreadPoolExecutor(4)


def digest(text):
    return hashlib.sha256(text.encode() * 50).hexdigest()


async def sums(request):
    name = request.path_params["name"]
    loop = asyncio.get_running_loop()
    one = loop.run_in_executor(POOL, digest, name)
    two = asyncio.to_thread(digest, name[::-1])
    return JSONResponse(await asyncio.gather(one, two))


app = Starlette(routes=[Route("/sums/{name}", sums)])
