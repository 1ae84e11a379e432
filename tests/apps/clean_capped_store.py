"""Keeps the last 4,000 requests in a store of its own, more than a short run sends by far."""

from collections import OrderedDict

from tests.apps._asgi import app_of

STORE = OrderedDict()
NEXT = [0]


async def handle(path):
    NEXT[0] += 1
    STORE[NEXT[0]] = {"path": path}
    if len(STORE) > 4000:
        STORE.popitem(last=False)


app = app_of(handle)
EXPECT = {"verdict": "clean", "iterations": 200}
