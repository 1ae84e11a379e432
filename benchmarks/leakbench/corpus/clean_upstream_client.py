"""A gateway with one httpx client and an upstream behind a mock transport."""

import httpx
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_upstream_client",
    "interface": "asgi",
    "expected": "clean",
    "kind": "framework",
    "python": "3.12",
    "requests": [{"path": "/relay/{i}"}],
    "needs": ["starlette==0.41.3", "httpx==0.28.1"],
    "source": "pattern",
    "plateau_at": 1500,
}


def upstream(request):
    return httpx.Response(200, json={"path": request.url.path})


CLIENT = httpx.AsyncClient(transport=httpx.MockTransport(upstream), base_url="http://upstream.example")


async def relay(request):
    answer = await CLIENT.get(f"/stock/{request.path_params['name']}")
    return JSONResponse(answer.json())


app = Starlette(routes=[Route("/relay/{name}", relay)])
