"""Notes when each request came, and looks at the age of none."""

import time

from tests.apps._asgi import app_of

VISITS = []


async def handle(path):
    VISITS.append((time.time(), path))


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["python"], "site": ("leak_visits.py", "handle"), "holder": "VISITS"}
