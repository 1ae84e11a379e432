"""Sends what it collects every half second or so, as an exporter does."""

from tests.apps._asgi import app_of
from tests.apps._tide import Tide

TIDE = Tide()
EXPECT = {"verdict": "not leak"}


async def handle(path):
    TIDE.collect()


app = app_of(handle)
