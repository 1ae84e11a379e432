"""Keeps a code of each request with the time when it ends, and looks at that only when the code is used."""

import time

from tests.apps._asgi import app_of

EXPECT = {"verdict": "leak", "holder": "CODES", "iterations": 500}
LIFE_SECONDS = 1.0
CODES = {}


async def handle(path):
    CODES[path] = (time.monotonic() + LIFE_SECONDS, len(path))


app = app_of(handle)
