"""Remembers the last 50,000 requests, with an index of them that drops what they drop."""

from collections import deque

from tests.apps._asgi import app_of

RECENT = deque(maxlen=50_000)
INDEX = {}
# Nothing has a name for its length: whoever measures for less sees it grow.
EXPECT = {"verdict": "not leak", "iterations": 500}


async def handle(path):
    if len(RECENT) == RECENT.maxlen:
        del INDEX[RECENT[0]["path"]]
    entry = {"path": path}
    RECENT.append(entry)
    INDEX[path] = entry


app = app_of(handle)
