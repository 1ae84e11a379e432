"""Counters, sums and a histogram that are replaced in place: the numbers grow, the memory does not."""

import time

CASE = {
    "name": "clean_statistics",
    "interface": "asgi",
    "expected": "clean",
    "kind": "counters",
    "python": "3.12",
    "requests": [{"path": "/count/{i}"}],
    "needs": [],
    "source": "pattern",
}


async def answer(send, body=b"ok", status=200):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


STATISTICS = {"requests": 0, "seconds": 0.0, "largest": 0}
HISTOGRAM = [0] * 20


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    start = time.perf_counter()
    STATISTICS["requests"] += 1
    STATISTICS["largest"] = max(STATISTICS["largest"], 10**9 + STATISTICS["requests"])
    HISTOGRAM[STATISTICS["requests"] % 20] += 1000
    await answer(send, str(STATISTICS["requests"]).encode())
    STATISTICS["seconds"] += time.perf_counter() - start
