"""Sends what it collects every half second or so; beside it a window of a minute fills."""

import collections

from tests.apps._asgi import app_of
from tests.apps._tide import Tide

TIDE = Tide()
RECENT = collections.OrderedDict()
EXPECT = {"verdict": "not leak"}


async def handle(path):
    now = TIDE.collect()
    while RECENT and next(iter(RECENT.values())) < now - 60:
        RECENT.popitem(last=False)
    RECENT[path] = now


app = app_of(handle)
