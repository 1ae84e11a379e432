"""A cache of 800 entries of very different sizes that evicts at random."""

import random

from flask import Flask

CASE = {
    "name": "clean_random_eviction",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "plateau-cache",
    "python": "3.13",
    "requests": [{"path": "/entry/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "plateau_at": 1000,
}

app = Flask(__name__)
RANDOM = random.Random(3)
ENTRIES = {}


@app.get("/entry/<int:number>")
def entry(number):
    if len(ENTRIES) >= 800:
        del ENTRIES[RANDOM.choice(list(ENTRIES))]
    ENTRIES[number] = "x" * RANDOM.choice([20, 200, 2000])
    return {"entries": len(ENTRIES)}
