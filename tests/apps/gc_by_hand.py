"""Switches the collector off and calls it itself, every 70 requests."""

import gc

from tests.apps._asgi import app_of
from tests.apps._cycles import Ring

gc.disable()
COUNT = [0]


async def handle(path):
    COUNT[0] += 1
    Ring()
    if COUNT[0] % 70 == 0:
        gc.collect()


app = app_of(handle)
