"""Spools each upload to a temporary file and reads it back."""

import tempfile

from flask import Flask, request

CASE = {
    "name": "clean_temporary_files",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "resource",
    "python": "3.12",
    "requests": [{"method": "POST", "path": "/upload", "body": "line {i}\n"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
}

app = Flask(__name__)


@app.post("/upload")
def upload():
    with tempfile.TemporaryFile() as spool:
        spool.write(request.get_data() * 300)
        spool.seek(0)
        return {"lines": sum(1 for _ in spool)}
