"""A window of a minute, and beside it a list that gets every tenth path for good."""

import collections
import time

from tests.apps._asgi import app_of

RECENT = collections.deque()
PATHS = []


async def handle(path):
    now = time.monotonic()
    while RECENT and RECENT[0][0] < now - 60:
        RECENT.popleft()
    RECENT.append((now, path))
    if path.endswith("5"):
        PATHS.append(path + "/seen")


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["python"], "caveat": "expires-as-well", "holder": "PATHS"}
