"""Keeps 4,000 bytes in every 200 requests; their inputs differ, and have no part in it."""

from tests.apps._asgi import app_of

KEPT, SEEN = [], [0]


async def handle(path):
    SEEN[0] += 1
    if SEEN[0] % 200 == 0:
        KEPT.append(bytes(4000))


app = app_of(handle)
EXPECT = {"verdict": "leak", "bytes": [18, 24]}
