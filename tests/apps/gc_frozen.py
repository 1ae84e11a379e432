"""Freezes every tenth request, and with it cycles that are dead: nobody will ever free them."""

import gc

from tests.apps._asgi import app_of

COUNT = [0]


class Node:
    def __init__(self):
        self.me = self


async def handle(path):
    COUNT[0] += 1
    Node()
    if COUNT[0] % 10 == 0:
        gc.freeze()


app = app_of(handle)
