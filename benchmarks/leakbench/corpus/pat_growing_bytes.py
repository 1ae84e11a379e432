"""One bytes object that gets longer with each request: no new object, no new block, only bytes."""

from flask import Flask

CASE = {
    "name": "pat_growing_bytes",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "bytes-one-object",
    "python": "3.12",
    "requests": [{"path": "/step/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "extend",
    "holder": "none: the object itself grows (module global trail)",
    "approx_bytes_per_request": 46.2,
    "verify_n": 3000,
}

app = Flask(__name__)
trail = b""


def extend(path):
    global trail
    trail = trail + path.encode() + b"\n"


@app.get("/step/<number>")
def step(number):
    extend(f"/step/{number}/of/the/long/walk/through/the/park")
    return {"length": len(trail)}
