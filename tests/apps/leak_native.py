"""Allocates C memory that nobody frees."""

import ctypes

from tests.apps._asgi import app_of

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p


async def handle(path):
    LIBC.malloc(500)


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "causes": ["native"],
    "bytes": (500, 560),
    "shares": {"native": (500, 560)},
    "told": "for no Python object",
}
