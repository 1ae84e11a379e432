"""Makes a cycle per request, with the collector switched off."""

import gc

from tests.apps._asgi import app_of
from tests.apps._cycles import Ring

gc.disable()


async def handle(path):
    Ring()


app = app_of(handle)
EXPECT = {"verdict": "leak", "causes": ["cycles"], "told": "objects per request are in reference cycles"}
