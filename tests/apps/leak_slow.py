"""Keeps one small object in every 20 requests, under a buffer that is flushed every 100."""

from tests.apps._asgi import app_of

KEPT, BUFFER = [], []


async def handle(path):
    BUFFER.append([path])
    if len(BUFFER) % 20 == 0:
        KEPT.append(BUFFER[-1])
    if len(BUFFER) >= 100:
        BUFFER.clear()


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["python"], "site": ("leak_slow.py", "handle"), "holder": "KEPT"}
