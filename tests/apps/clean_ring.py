"""Keeps the last 300 requests in a ring."""

from collections import deque

from tests.apps._asgi import app_of

EXPECT = {"verdict": "clean"}
LAST = deque(maxlen=300)


async def handle(path):
    LAST.append({"path": path, "parts": path.split("/")})


app = app_of(handle)
