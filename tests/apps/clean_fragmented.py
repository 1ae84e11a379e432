"""Swaps two blocks of C memory for one of twice the size: as much is in use, in ever more places.

Every other block stays, so that no freed one has a neighbour to grow together with.
Each request leaves a hole of 2,016 bytes behind, of which no page is empty.
"""

import ctypes
from array import array

from tests.apps._asgi import app_of

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.free.argtypes = [ctypes.c_void_p]
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
# With its header a chunk of glibc takes 1,008 bytes, and one of twice the size 2,016.
SMALL, LARGE = 1000, 2008
BLOCKS = 80_000
PINNED = array("Q", bytes(8 * BLOCKS))
left = BLOCKS


def allocate(size):
    start = LIBC.malloc(size)
    LIBC.memset(start, 1, size)
    return start


for place in range(BLOCKS):
    PINNED[place] = allocate(SMALL)


async def handle(path):
    global left
    if left:
        left -= 4
        LIBC.free(PINNED[left])
        LIBC.free(PINNED[left + 2])
        PINNED[left] = allocate(LARGE)


app = app_of(handle)
EXPECT = {"verdict": "clean", "caveat": "allocator", "iterations": 400}
