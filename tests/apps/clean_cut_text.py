"""Keeps the last characters of a text, and the last body, whose length is never the same."""

from tests.apps._asgi import app_of


class Log:
    text = ""
    body = b""


LOG = Log()


async def handle(path):
    LOG.text = (LOG.text + path)[-8000:]
    LOG.body = bytes(1000 + hash(path) % 50_000)


app = app_of(handle)
EXPECT = {"verdict": "clean"}
