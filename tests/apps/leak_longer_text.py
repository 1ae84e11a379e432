"""Adds some characters to a text with each request: no object stays, one is replaced by a longer one."""

from tests.apps._asgi import app_of


class Log:
    text = ""


LOG = Log()


async def handle(path):
    LOG.text += f"{path}\n"


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "bytes": (4.0, 16.0),
    "holder": "LOG.text",
    "reason": "LOG.text gets longer by",
}
