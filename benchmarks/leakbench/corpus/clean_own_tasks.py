"""Starts a task per request that outlives it a little, and a set that drops it when it is done."""

import asyncio

from fastapi import FastAPI

CASE = {
    "name": "clean_own_tasks",
    "interface": "asgi",
    "expected": "clean",
    "kind": "tasks",
    "python": "3.11",
    "requests": [{"path": "/mail/{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
}

app = FastAPI()
RUNNING = set()


async def mail(number):
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return f"mail {number}"


@app.get("/mail/{number}")
async def send(number: int):
    task = asyncio.create_task(mail(number))
    RUNNING.add(task)
    task.add_done_callback(RUNNING.discard)
    return {"running": len(RUNNING)}
