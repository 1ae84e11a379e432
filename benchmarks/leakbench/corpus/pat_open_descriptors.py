"""One request in ten opens a file by its number and returns before the close."""

import os

CASE = {
    "name": "pat_open_descriptors",
    "interface": "asgi",
    "expected": "leak",
    "kind": "resource-descriptors",
    "python": "3.11",
    "requests": [{"path": "/head/{i}"}],
    "needs": [],
    "source": "pattern",
    "site": "first_bytes",
    "holder": "none: descriptors of the process",
    "approx_bytes_per_request": 0,
    "verify_n": 1500,
}


async def answer(send, body=b"ok", status=200):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def first_bytes(path, number):
    descriptor = os.open(path, os.O_RDONLY)
    head = os.read(descriptor, 16)
    if number % 10 == 3:
        return head  # the early return that forgets the close below
    os.close(descriptor)
    return head


async def app(scope, receive, send):
    if scope["type"] == "http":
        number = int(scope["path"].rpartition("/")[2])
        await answer(send, first_bytes(os.__file__, number))
