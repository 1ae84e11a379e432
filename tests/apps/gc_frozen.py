"""Freezes every tenth request, and with it cycles that are dead: nobody will ever free them."""

import gc

from tests.apps._asgi import app_of
from tests.apps._cycles import Ring

COUNT = [0]


async def handle(path):
    COUNT[0] += 1
    Ring()
    if COUNT[0] % 10 == 0:
        gc.freeze()


app = app_of(handle)
