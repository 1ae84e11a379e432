"""Puts each mail on an asyncio queue that no task reads."""

import asyncio

from quart import Quart

CASE = {
    "name": "pat_queue_of_mail",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/invite/{i}"}],
    "needs": ["quart==0.20.0"],
    "source": "pattern",
    "site": "post",
    "holder": "module global OUTBOX (asyncio.Queue._queue)",
    "approx_bytes_per_request": 383.5,
}

app = Quart(__name__)
OUTBOX = asyncio.Queue()


async def post(address):
    await OUTBOX.put({"to": address, "text": f"Hello {address}"})


@app.get("/invite/<name>")
async def invite(name):
    await post(f"{name}@example.org")
    return {"invited": name}
