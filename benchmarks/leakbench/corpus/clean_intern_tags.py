"""Interns one of five hundred tags per request."""

import sys

from bottle import Bottle

CASE = {
    "name": "clean_intern_tags",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "slow-plateau",
    "python": "3.11",
    "requests": [{"path": "/tag/{i}"}],
    "needs": ["bottle==0.13.2"],
    "source": "pattern",
    "plateau_at": 600,
}

app = Bottle()


@app.get("/tag/<number:int>")
def tag(number):
    return {"tag": sys.intern(f"tag-{number % 500}")}
