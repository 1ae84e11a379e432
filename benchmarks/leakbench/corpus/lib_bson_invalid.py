"""One request in three asks for a field that BSON cannot hold; the refusal keeps the document."""

import bson
from flask import Flask
from werkzeug.exceptions import UnprocessableEntity

CASE = {
    "name": "lib_bson_invalid",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-errorpath",
    "python": "3.13",
    "requests": [{"path": "/store/text/{i}"}, {"path": "/store/text/x{i}"}, {"path": "/store/set/{i}"}],
    "needs": ["flask==3.1.0", "pymongo==4.15.2"],
    "fixed_needs": ["flask==3.1.0", "pymongo==4.15.3"],
    "source": "PyMongo 4.15.3 changelog",
    "site": "encode",
    "holder": "refcount leak of the refused document in the C encoder",
    "approx_bytes_per_request": 74.4,
}
app = Flask(__name__)


def encode(document):
    return bson.encode(document)


@app.get("/store/<kind>/<name>")
def store(kind, name):
    value = {name} if kind == "set" else name
    try:
        return {"bytes": len(encode({"name": name, "value": value}))}
    except bson.InvalidDocument:
        raise UnprocessableEntity from None
