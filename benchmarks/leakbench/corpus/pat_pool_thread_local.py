"""Threads of a pool keep a scratch list each, for metrics that nobody reads."""

import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

CASE = {
    "name": "pat_pool_thread_local",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/query/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "measure",
    "holder": "threading.local() LOCAL.timings",
    "approx_bytes_per_request": 187.7,
}

app = Flask(__name__)
POOL = ThreadPoolExecutor(2)
LOCAL = threading.local()


def measure(number):
    if not hasattr(LOCAL, "timings"):
        LOCAL.timings = []
    LOCAL.timings.append((number, f"query {number}"))
    return len(LOCAL.timings)


@app.get("/query/<int:number>")
def query(number):
    return {"queries": POOL.submit(measure, number).result()}
