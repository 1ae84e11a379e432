"""Sends what it collects every second or so, as an exporter does; beside it a list keeps a tuple for good."""

import random
import time

from tests.apps._asgi import app_of

CHANCE = random.Random(7)
TIDE = []
KEPT = []
STATE = {"next": 0.0}


async def handle(path):
    now = time.monotonic()
    if now > STATE["next"]:
        STATE["next"] = now + CHANCE.uniform(0.05, 0.6)
        TIDE.clear()
    TIDE.append([[], [], [], [], [], []])
    KEPT.append((path, "kept"))


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["python"], "holder": "KEPT"}
