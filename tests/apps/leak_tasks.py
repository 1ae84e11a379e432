"""Starts a task per request that waits for an event which never comes."""

import asyncio

from tests.apps._asgi import app_of

WAITING = set()


async def notify(path, ready):
    await ready.wait()
    return path


async def handle(path):
    WAITING.add(asyncio.create_task(notify(path, asyncio.Event())))


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "causes": ["python", "resource"],
    "told": "1.0 asyncio task per request never finishes",
    "holder": "WAITING",
    "iterations": 1000,
}
