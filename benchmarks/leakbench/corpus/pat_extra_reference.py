"""A C extension that takes one reference too many, shown with the C API itself."""

import ctypes

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "pat_extra_reference",
    "interface": "asgi",
    "expected": "leak",
    "kind": "native-refcount",
    "python": "3.12",
    "requests": [{"path": "/record/a-{i}-c"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "parse",
    "holder": "refcount leak (no Python holder)",
    "approx_bytes_per_request": 224.6,
}

TAKE = ctypes.pythonapi.Py_IncRef
TAKE.argtypes = [ctypes.py_object]
TAKE.restype = None


def parse(text):
    fields = text.split("-")
    TAKE(fields)
    return fields


async def record(request):
    return JSONResponse({"fields": len(parse(request.path_params["text"]))})


app = Starlette(routes=[Route("/record/{text}", record)])
