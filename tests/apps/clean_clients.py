"""A window of a minute for each of five clients, as a rate limit has it."""

import collections
import time

from tests.apps._asgi import app_of

CAME = collections.defaultdict(collections.deque)
EXPECT = {"verdict": "clean", "caveat": "expires"}


async def handle(path):
    came, now = CAME[sum(path.encode()) % 5], time.monotonic()
    while came and came[0] < now - 60:
        came.popleft()
    came.append(now)


app = app_of(handle)
