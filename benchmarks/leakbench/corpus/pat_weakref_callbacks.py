"""Each session asks to be told when the settings go; the settings never go."""

import weakref

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "pat_weakref_callbacks",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/session/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "watch",
    "holder": "module global WATCHES",
    "approx_bytes_per_request": 665.3,
}


class Settings:
    colour = "blue"


SETTINGS = Settings()
WATCHES = []


def watch(session):
    WATCHES.append(weakref.ref(SETTINGS, lambda gone: session.clear()))


async def session(request):
    watch({"user": request.path_params["user"], "colour": SETTINGS.colour})
    return JSONResponse({"watches": True})


app = Starlette(routes=[Route("/session/{user}", session)])
