"""A bytearray that gets one byte per answer: less than the C heap of a quiet app wanders by."""

from flask import Flask

CASE = {
    "name": "pat_status_trail",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "bytes-one-object",
    "python": "3.12",
    "requests": [{"path": "/state/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "remember",
    "holder": "bytearray of module global TRAIL",
    "approx_bytes_per_request": 1.1,
    "verify_n": 5000,
}

app = Flask(__name__)
TRAIL = bytearray()


def remember(number):
    TRAIL.append(number % 256)


@app.get("/state/<int:number>")
def state(number):
    remember(number)
    return {"last": TRAIL[-1]}
