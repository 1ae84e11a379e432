"""Server-sent events: each stream starts a watcher task that waits for a shutdown and never ends."""

from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.routing import Route

CASE = {
    "name": "lib_sse_starlette",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-python-tasks",
    "python": "3.12",
    "requests": [{"path": "/progress/{i}"}],
    "needs": ["starlette==0.50.0", "sse-starlette==3.1.1"],
    "fixed_needs": ["starlette==0.50.0", "sse-starlette==3.1.2"],
    "source": "sysid/sse-starlette#152",
    "site": "_ensure_watcher_started_on_this_loop",
    "holder": "pending asyncio tasks _shutdown_watcher",
    "approx_bytes_per_request": 2687.2,
    "verify_n": 400,
}


async def progress(request):
    job = request.path_params["job"]

    async def steps():
        for percent in (0, 50, 100):
            yield {"event": "progress", "data": f"{job}: {percent}"}

    return EventSourceResponse(steps())


app = Starlette(routes=[Route("/progress/{job}", progress)])
