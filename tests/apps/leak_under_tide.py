"""Sends what it collects every half second or so; beside it a list keeps a tuple for good."""

from tests.apps._asgi import app_of
from tests.apps._tide import Tide

TIDE = Tide()
KEPT = []


async def handle(path):
    TIDE.collect()
    KEPT.append((path, "kept"))


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["python"], "holder": "KEPT"}
