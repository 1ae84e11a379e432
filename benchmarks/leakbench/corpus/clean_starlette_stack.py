"""Starlette with sessions, gzip, CORS, a mounted sub-app and server errors."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

CASE = {
    "name": "clean_starlette_stack",
    "interface": "asgi",
    "expected": "clean",
    "kind": "framework",
    "python": "3.11",
    "requests": [
        {"path": "/remember/{i}", "headers": {"Accept-Encoding": "gzip", "Origin": "http://x.example"}},
        {"path": "/broken/{i}"},
        {"path": "/inner/{i}"},
    ],
    "needs": ["starlette==0.41.3", "itsdangerous==2.2.0"],
    "source": "pattern",
}


async def remember(request):
    request.session["seen"] = request.path_params["name"]
    return JSONResponse({"seen": request.session["seen"], "filler": "x" * 800})


async def broken(request):
    raise RuntimeError(request.path_params["name"])


async def inner(request):
    return PlainTextResponse(request.url_for("inner:page", name="next").path)


app = Starlette(
    routes=[
        Route("/remember/{name}", remember),
        Route("/broken/{name}", broken),
        Mount("/inner", routes=[Route("/{name}", inner, name="page")], name="inner"),
    ],
    middleware=[
        Middleware(CORSMiddleware, allow_origins=["*"]),
        Middleware(GZipMiddleware, minimum_size=200),
        Middleware(SessionMiddleware, secret_key="none"),
    ],
)
