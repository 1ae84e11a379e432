"""A buffer of 250 rows that is written out; one row in 50 also goes to a list of samples."""

from flask import Flask

CASE = {
    "name": "pat_leak_below_buffer",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "slow-under-sawtooth",
    "python": "3.13",
    "requests": [{"path": "/row/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "store",
    "holder": "module global SAMPLES",
    "approx_bytes_per_request": 10.2,
    "verify_n": 8000,
    "period": 250,
}

app = Flask(__name__)
BUFFER = []
SAMPLES = []


def store(number):
    row = {"number": number, "text": f"row {number} " * 6}
    BUFFER.append(row)
    if number % 50 == 1:
        SAMPLES.append(row)
    if len(BUFFER) == 250:
        BUFFER.clear()


@app.get("/row/<int:number>")
def row(number):
    store(number)
    return {"buffered": len(BUFFER)}
