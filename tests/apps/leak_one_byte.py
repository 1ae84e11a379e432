"""Adds one byte to a bytearray with each request: less than the C heap wanders by."""

from tests.apps._asgi import app_of

TRAIL = bytearray()


async def handle(path):
    TRAIL.extend(b"x")


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "bytes": (0.8, 1.5),
    "holder": "TRAIL",
    "reason": "gets longer by 1.0 per request",
}
