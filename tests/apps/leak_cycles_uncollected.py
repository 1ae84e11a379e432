"""Makes a cycle per request, with the collector switched off."""

import gc

from tests.apps._asgi import app_of

gc.disable()


class Node:
    def __init__(self):
        self.me = self


async def handle(path):
    Node()


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["cycles"], "told": "objects per request are in reference cycles"}
