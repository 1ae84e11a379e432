"""Answers live for two minutes; a heap says which ends next, and is believed where the answer agrees."""

import heapq
import time

from tests.apps._asgi import app_of

ANSWERS = {}
ENDS = []
EXPECT = {"verdict": "clean", "caveat": "expires"}


async def handle(path):
    now = time.time()
    while ENDS and ENDS[0][0] <= now:
        _, key = heapq.heappop(ENDS)
        if key in ANSWERS and ANSWERS[key][0] <= now:
            del ANSWERS[key]
    ANSWERS[path] = (now + 120, path + "/answer")
    heapq.heappush(ENDS, (now + 120, path))


app = app_of(handle)
