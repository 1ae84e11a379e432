"""The last 16 KiB of a trail of bytes, in a bytearray that is cut back when it has doubled."""

from flask import Flask

CASE = {
    "name": "clean_byte_ring",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "sawtooth",
    "python": "3.12",
    "requests": [{"path": "/state/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "plateau_at": 1600,
    "period": 800,
}

app = Flask(__name__)
KEPT = 16 * 1024
TRAIL = bytearray()


@app.get("/state/<int:number>")
def state(number):
    TRAIL.extend(b"state=%012d;" % number)
    if len(TRAIL) > 2 * KEPT:
        del TRAIL[:-KEPT]
    return {"last": TRAIL[-13:].decode()}
