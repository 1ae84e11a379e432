"""Keeps the iterators of downloads that it stops in the middle, to resume them one day."""

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

CASE = {
    "name": "pat_half_read_streams",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.10",
    "requests": [{"path": "/download/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "download",
    "holder": "module global RESUMABLE",
    "approx_bytes_per_request": 972.0,
}

RESUMABLE = {}


async def chunks(name):
    for number in range(10):
        yield f"{name}:{number}\n"


async def download(request):
    stream = chunks(request.path_params["name"])
    first = await anext(stream)
    RESUMABLE[request.path_params["name"]] = stream
    return PlainTextResponse(first)


app = Starlette(routes=[Route("/download/{name}", download)])
