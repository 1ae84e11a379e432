"""A plain ASGI app that notes every visit in a module's list."""

import time

CASE = {
    "name": "pat_visit_log",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/page/{i}"}],
    "needs": [],
    "source": "pattern",
    "site": "note",
    "holder": "module global VISITS",
    "approx_bytes_per_request": 313.1,
}


async def answer(send, body=b"ok", status=200):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


VISITS = []


def note(path):
    VISITS.append({"path": path, "at": time.time()})


async def app(scope, receive, send):
    if scope["type"] == "http":
        note(scope["path"])
        await answer(send)
