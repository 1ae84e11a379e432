"""Sessions that live for 0.3 s, swept when their number has doubled since the last sweep."""

import time

from tests.apps._asgi import app_of

EXPECT = {"verdict": "not leak"}
SESSIONS = {}
SWEEP_AT = [1000]


async def handle(path):
    now = time.monotonic()
    SESSIONS[path, now] = {"path": path}
    if len(SESSIONS) >= SWEEP_AT[0]:
        for key in [key for key in SESSIONS if key[1] < now - 0.3]:
            del SESSIONS[key]
        SWEEP_AT[0] = max(1000, 2 * len(SESSIONS))


app = app_of(handle)
