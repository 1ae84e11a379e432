"""Appends to a list, and takes its time: no answer is certain within a fraction of a second."""

import asyncio

from tests.apps._asgi import app_of

SEEN = []


async def handle(path):
    await asyncio.sleep(0.005)
    SEEN.append([path])


app = app_of(handle)
