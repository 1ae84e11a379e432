"""Registers the removal of each export at exit: the interpreter keeps them all until then."""

import atexit
from pathlib import Path

from flask import Flask

CASE = {
    "name": "pat_atexit",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/export/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "export",
    "holder": "none: the interpreter's own table of exit functions",
    "approx_bytes_per_request": 920.0,
}

app = Flask(__name__)


def export(number):
    target = Path(f"/tmp/no-such-folder/export-{number}.csv")
    atexit.register(target.unlink, missing_ok=True)
    return target


@app.get("/export/<number>")
def start(number):
    return {"file": export(number).name}
