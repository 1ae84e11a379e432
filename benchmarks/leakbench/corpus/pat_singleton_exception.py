"""One exception instance raised again and again: its traceback gets longer each time."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "pat_singleton_exception",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects-errorpath",
    "python": "3.11",
    "requests": [{"path": "/thing/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "find",
    "holder": "module global NOT_FOUND, in its .__traceback__",
    "approx_bytes_per_request": 1599.3,
}

NOT_FOUND = LookupError("no such thing")


def find(number):
    if number % 3 == 0:
        raise NOT_FOUND
    return {"thing": number}


async def thing(request):
    try:
        return JSONResponse(find(int(request.path_params["number"])))
    except LookupError as missing:
        return JSONResponse({"error": str(missing)}, 404)


app = Starlette(routes=[Route("/thing/{number}", thing)])
