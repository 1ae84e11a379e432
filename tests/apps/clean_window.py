"""The requests of the last minute, oldest first: each of them takes out what is older."""

import collections
import time

from tests.apps._asgi import app_of

EXPECT = {"verdict": "clean", "caveat": "expires", "reason": "taken out"}
RECENT = collections.deque()


async def handle(path):
    now = time.monotonic()
    while RECENT and RECENT[0][0] < now - 60:
        RECENT.popleft()
    RECENT.append((now, path))


app = app_of(handle)
