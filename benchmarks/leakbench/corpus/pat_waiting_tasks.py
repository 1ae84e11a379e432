"""Starts a task per order that waits for a payment which never comes."""

import asyncio

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "pat_waiting_tasks",
    "interface": "asgi",
    "expected": "leak",
    "kind": "resource-tasks",
    "python": "3.13",
    "requests": [{"path": "/order/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "order",
    "holder": "module global PENDING (asyncio tasks)",
    "approx_bytes_per_request": 1085.8,
    "verify_n": 1200,
}

PENDING = {}


async def await_payment(order):
    paid = asyncio.get_running_loop().create_future()
    await paid
    return order


async def order(request):
    number = request.path_params["number"]
    PENDING[number] = asyncio.create_task(await_payment(number))
    return JSONResponse({"pending": len(PENDING)})


app = Starlette(routes=[Route("/order/{number}", order)])
