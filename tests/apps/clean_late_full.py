"""Remembers the last 4,900 requests: full when a run of 500 is nearly over."""

from collections import deque

from tests.apps._asgi import app_of

EXPECT = {"verdict": "not leak", "iterations": 500}
RECENT = deque(maxlen=4900)


async def handle(path):
    RECENT.append({"path": path})


app = app_of(handle)
