"""Opens a file per request and keeps it."""

import os

from tests.apps._asgi import app_of

OPEN = []


async def handle(path):
    OPEN.append(os.open(os.devnull, os.O_RDONLY))


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["resource"], "holder": "OPEN", "iterations": 150}
