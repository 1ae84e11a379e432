"""Adds a flag to a list with each request: no object, no block, eight bytes in ever longer steps."""

from tests.apps._asgi import app_of

FLAGS = []


async def handle(path):
    FLAGS.append(path.endswith("7"))


app = app_of(handle)
EXPECT = {"verdict": "leak", "bytes": (7, 10), "site": ("leak_flags.py", "handle"), "holder": "FLAGS"}
