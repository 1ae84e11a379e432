"""Answers and keeps nothing."""

from tests.apps._asgi import app_of

EXPECT = {"verdict": "clean"}


async def handle(path):
    return None


app = app_of(handle)
