"""A reminder per request: each `threading.Timer` is a thread that sleeps for an hour."""

import threading

from flask import Flask

CASE = {
    "name": "pat_timer_threads",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "resource-threads",
    "python": "3.12",
    "requests": [{"path": "/remind/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "remind",
    "holder": "running threads that wait (threads)",
    "approx_bytes_per_request": 1500.9,
    "verify_n": 800,
}

app = Flask(__name__)


def remind(number):
    timer = threading.Timer(3600, print, args=(f"reminder {number}",))
    timer.daemon = True
    timer.start()


@app.get("/remind/<int:number>")
def reminder(number):
    if number % 4 == 0:
        remind(number)
    return {"reminded": number}
