"""A shop on aiohttp.web with one middleware; whoever uses the wrong method gets 405 and stays in a cache."""

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

CASE = {
    "name": "lib_aiohttp_middleware",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-python-errorpath",
    "python": "3.12",
    "requests": [{"path": "/orders/{i}"}, {"method": "DELETE", "path": "/orders/{i}"}],
    "needs": ["aiohttp==3.10.10"],
    "fixed_needs": ["aiohttp==3.10.11"],
    "source": "CVE-2024-52303 (aiohttp 3.10.6 to 3.10.10)",
    "site": "_build_middlewares",
    "holder": "cache of aiohttp.web_app._build_middlewares",
    "approx_bytes_per_request": 38721.2,
}


@web.middleware
async def audit(request, handler):
    return await handler(request)


async def order(request):
    return web.json_response({"order": request.match_info["number"]})


shop = web.Application(middlewares=[audit])
shop.router.add_get("/orders/{number}", order)
shop.freeze()


async def app(scope, receive, send):
    """Just enough of a bridge to call aiohttp's own dispatcher."""
    if scope["type"] != "http":
        return
    try:
        response = await shop._handle(make_mocked_request(scope["method"], scope["path"]))
    except web.HTTPException as refused:
        response = refused
    await send({"type": "http.response.start", "status": response.status, "headers": []})
    await send({"type": "http.response.body", "body": response.body or b""})
