"""A moving window: `deque(maxlen=1500)` of measurements."""

from collections import deque

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_window",
    "interface": "asgi",
    "expected": "clean",
    "kind": "plateau-cache",
    "python": "3.12",
    "requests": [{"path": "/value/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "plateau_at": 1500,
}

WINDOW = deque(maxlen=1500)


async def value(request):
    WINDOW.append({"value": int(request.path_params["number"]), "unit": "ms"})
    return JSONResponse({"mean": sum(entry["value"] for entry in list(WINDOW)[-10:]) / 10})


app = Starlette(routes=[Route("/value/{number}", value)])
