"""Sessions live for half an hour: what they take depends on the load, and nobody waits for their end."""

import time

from tests.apps._asgi import app_of

SESSIONS = {}


async def handle(path):
    now = time.time()
    for name in list(SESSIONS)[:4]:
        if SESSIONS[name]["ends"] < now:
            del SESSIONS[name]
    SESSIONS[path] = {"ends": now + 1800, "path": path}


app = app_of(handle)
EXPECT = {"verdict": "inconclusive", "reason": "takes out its entries when they are an hour older"}
