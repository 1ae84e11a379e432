"""Keeps flags of the last 1,500 requests in a list, and the last kilobytes of a trail."""

from tests.apps._asgi import app_of

FLAGS, TRAIL = [], bytearray()


async def handle(path):
    FLAGS.append(path.endswith("7"))
    if len(FLAGS) > 1500:
        del FLAGS[0]
    TRAIL.extend(b"path=7;")
    if len(TRAIL) > 12_000:
        del TRAIL[:6_000]


app = app_of(handle)
EXPECT = {"verdict": "clean"}
