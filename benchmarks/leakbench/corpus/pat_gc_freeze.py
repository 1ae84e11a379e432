"""Freezes the heap after every request, to share pages with its forks: cycles are never looked at again."""

import gc

from flask import Flask

CASE = {
    "name": "pat_gc_freeze",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "cycles-gc-frozen",
    "python": "3.11",
    "requests": [{"path": "/report/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "report",
    "holder": "uncollected reference cycles (frozen by the app)",
    "approx_bytes_per_request": 1836.0,
    "no_gc": True,
}

app = Flask(__name__)


def report(number):
    rows = [{"row": row, "number": number} for row in range(4)]
    for row in rows:
        row["all"] = rows
    return rows


@app.get("/report/<number>")
def show(number):
    return {"rows": len(report(number))}


@app.after_request
def share_pages(response):
    gc.freeze()
    return response
