"""A cache whose entries live for 0.8 s; every 64th request sweeps what has expired."""

import time

from tests.apps._asgi import app_of

EXPECT = {"verdict": "not leak"}
CACHE = {}
DONE = [0]


async def handle(path):
    DONE[0] += 1
    now = time.monotonic()
    CACHE[DONE[0]] = (now, path + "/answer")
    if DONE[0] % 64 == 0:
        for number in [number for number, (made, _) in CACHE.items() if now - made > 0.8]:
            del CACHE[number]


app = app_of(handle)
"""The app."""
