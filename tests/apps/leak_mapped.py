"""Maps two pages per request, past every allocator, and writes to them."""

import ctypes
import mmap

from tests.apps._asgi import app_of

LIBC = ctypes.CDLL(None)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
SIZE = 2 * mmap.PAGESIZE
WRITABLE, OWN = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


async def handle(path):
    start = LIBC.mmap(None, SIZE, WRITABLE, OWN, -1, 0)
    LIBC.memset(start, 1, SIZE)


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "causes": ["native", "mapped"],
    "bytes": (0.97 * SIZE, 1.03 * SIZE),
    "shares": {"mapped": (0.97 * SIZE, 1.03 * SIZE)},
    "told": "even where free memory was given back",
    "iterations": 400,
}
