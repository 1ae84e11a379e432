"""Keeps an object per request that has mapped two pages for itself: on no meter but RSS."""

import mmap

from tests.apps._asgi import app_of

SIZE = 2 * mmap.PAGESIZE
KEPT = []


async def handle(path):
    pages = mmap.mmap(-1, SIZE)
    pages[:] = b"x" * SIZE
    KEPT.append(pages)


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "causes": ["python", "mapped"],
    "bytes": (SIZE, 1.05 * SIZE),
    "shares": {"python": (60, 200), "mapped": (0.97 * SIZE, 1.03 * SIZE)},
    "site": ("leak_mapped_file.py", "handle"),
    "holder": ".KEPT",
    "iterations": 400,
}
