"""Maps a page for each thumbnail through the C library and drops the address."""

import ctypes

CASE = {
    "name": "pat_raw_mmap",
    "interface": "asgi",
    "expected": "leak",
    "kind": "native-mmap",
    "python": "3.12",
    "requests": [{"path": "/thumbnail/{i}"}],
    "needs": [],
    "source": "pattern",
    "site": "thumbnail",
    "holder": "none (unfreed pages that no heap knows)",
    "approx_bytes_per_request": 8192.0,
}


async def answer(send, body=b"ok", status=200):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


LIBC = ctypes.CDLL(None)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
READ_WRITE, PRIVATE_ANONYMOUS = 0x3, 0x22
PAGES = 8192


def thumbnail(number):
    address = LIBC.mmap(None, PAGES, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0)
    ctypes.memset(address, number % 256, PAGES)
    return ctypes.string_at(address, 4)


async def app(scope, receive, send):
    if scope["type"] == "http":
        await answer(send, thumbnail(int(scope["path"].rpartition("/")[2])))
