"""A worker task keeps what it has done in a context variable that only it can see."""

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "pat_context_history",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.13",
    "requests": [{"path": "/submit/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "work",
    "holder": "context variable DONE of the worker's task",
    "approx_bytes_per_request": 282.9,
}

DONE = ContextVar("DONE")


async def work(jobs):
    DONE.set([])
    while True:
        job = await jobs.get()
        DONE.get().append({"job": job, "state": "done"})


@asynccontextmanager
async def lifespan(app):
    app.state.jobs = asyncio.Queue()
    worker = asyncio.create_task(work(app.state.jobs))
    yield
    worker.cancel()


async def submit(request):
    await request.app.state.jobs.put(request.path_params["job"])
    return JSONResponse({"queued": True})


app = Starlette(routes=[Route("/submit/{job}", submit)], lifespan=lifespan)
