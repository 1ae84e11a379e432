"""A cache of 3,000 entries that is still being filled when the measurement ends."""

from functools import lru_cache

from tests.apps._asgi import app_of

EXPECT = {"verdict": "clean"}


@lru_cache(maxsize=3000)
def price(path):
    return {"path": path, "cents": len(path)}


async def handle(path):
    price(path)


app = app_of(handle)
