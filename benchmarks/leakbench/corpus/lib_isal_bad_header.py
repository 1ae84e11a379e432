"""Unpacks gzip uploads; one in three is no gzip at all, and the error keeps what it has read of it."""

import gzip
import io

from flask import Flask, request
from isal import igzip

CASE = {
    "name": "lib_isal_bad_header",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-errorpath-tiny",
    "python": "3.11",
    "requests": [
        {"method": "POST", "path": "/unpack", "body": "line {i}"},
        {"method": "POST", "path": "/unpack", "body": "row {i}"},
        {"method": "POST", "path": "/unpack?plain=1", "body": "no gzip {i}"},
    ],
    "needs": ["flask==3.0.3", "isal==1.5.0"],
    "fixed_needs": ["flask==3.0.3", "isal==1.5.2"],
    "source": "python-isal 1.5.2",
    "site": "unpack",
    "holder": "refcount leak of the header's bytes in the C reader",
    "approx_bytes_per_request": 19.6,
}
app = Flask(__name__)


def unpack(packed):
    with igzip.open(io.BytesIO(packed), "rb") as reader:
        return reader.read()


@app.post("/unpack")
def upload():
    body = request.get_data() * 20
    try:
        return {"bytes": len(unpack(body if request.args.get("plain") else gzip.compress(body, 1)))}
    except igzip.BadGzipFile:
        return {"error": "no gzip"}, 422
