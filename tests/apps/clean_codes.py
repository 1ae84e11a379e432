"""Keeps a code of each request for two seconds, and drops those whose time is over."""

import time

from tests.apps._asgi import app_of

EXPECT = {"verdict": "not leak", "iterations": 500}
LIFE_SECONDS = 2.0
CODES = {}


async def handle(path):
    now = time.monotonic()
    while CODES and next(iter(CODES.values()))[0] < now:
        del CODES[next(iter(CODES))]
    CODES[path] = (now + LIFE_SECONDS, len(path))


app = app_of(handle)
