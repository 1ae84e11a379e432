"""Buffers 250 requests, then flushes them."""

from tests.apps._asgi import app_of

EXPECT = {"verdict": "clean"}
BUFFER = []


async def handle(path):
    BUFFER.append([path, len(BUFFER)])
    if len(BUFFER) >= 250:
        BUFFER.clear()


app = app_of(handle)
