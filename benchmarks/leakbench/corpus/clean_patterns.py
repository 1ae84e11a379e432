"""Compiles a search pattern per user: `re` keeps 512, and evicts."""

import re

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_patterns",
    "interface": "asgi",
    "expected": "clean",
    "kind": "plateau-cache",
    "python": "3.13",
    "requests": [{"path": "/search/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "plateau_at": 1800,
}


async def search(request):
    number = int(request.path_params["number"])
    found = re.search(f"user-{number % 900}-(\\d+)", f"user-{number % 900}-{number}")
    return JSONResponse({"found": found[1]})


app = Starlette(routes=[Route("/search/{number}", search)])
