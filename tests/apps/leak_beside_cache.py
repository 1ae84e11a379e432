"""Keeps an entry of each request, beside a cache that has room for more than a run can fill."""

from functools import lru_cache

from tests.apps._asgi import app_of

AUDIT = []


@lru_cache(maxsize=50_000)
def user(path):
    return {"path": path}


async def handle(path):
    AUDIT.append({"who": path, "name": user(path)["path"].upper()})


app = app_of(handle)
EXPECT = {"verdict": "leak", "holder": "AUDIT", "caveat": "fills-as-well", "iterations": 500}
