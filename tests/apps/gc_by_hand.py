"""Switches the collector off and calls it itself, every 70 requests."""

import gc

from tests.apps._asgi import app_of

gc.disable()
COUNT = [0]


class Node:
    def __init__(self):
        self.me = self


async def handle(path):
    COUNT[0] += 1
    Node()
    if COUNT[0] % 70 == 0:
        gc.collect()


app = app_of(handle)
