"""Keeps one object whenever five requests are under way at the same time."""

import asyncio

from tests.apps._asgi import app_of

KEPT, UNDER_WAY = [], set()


async def handle(path):
    UNDER_WAY.add(path)
    if len(UNDER_WAY) >= 5:
        KEPT.append(object())
    # Once round the loop for each of the others.
    for _ in range(5):
        await asyncio.sleep(0)
    UNDER_WAY.discard(path)


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "iterations": 20,
    "causes": ["python"],
    "site": ("side_by_side.py", "handle"),
    "holder": "KEPT",
}
