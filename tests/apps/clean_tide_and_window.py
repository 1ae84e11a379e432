"""Sends what it collects every second or so; beside it a window of a minute fills."""

import collections
import random
import time

from tests.apps._asgi import app_of

CHANCE = random.Random(7)
TIDE = []
STATE = {"next": 0.0}
RECENT = collections.OrderedDict()
EXPECT = {"verdict": "not leak"}


async def handle(path):
    now = time.monotonic()
    if now > STATE["next"]:
        STATE["next"] = now + CHANCE.uniform(0.05, 0.6)
        TIDE.clear()
    TIDE.append([[], [], [], [], [], []])
    while RECENT and next(iter(RECENT.values())) < now - 60:
        RECENT.popitem(last=False)
    RECENT[path] = now


app = app_of(handle)
