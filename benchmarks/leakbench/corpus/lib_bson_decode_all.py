"""An endpoint that takes BSON documents: `decode_all` without options keeps the options that it makes."""

import bson

CASE = {
    "name": "lib_bson_decode_all",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-refcount",
    "python": "3.10",
    "requests": [{"path": "/events/{i}"}],
    "needs": ["pymongo==4.1.0"],
    "fixed_needs": ["pymongo==4.1.1"],
    "source": "PYTHON-3222 (PyMongo 4.1.1 changelog)",
    "site": "read_events",
    "holder": "refcount leak of the default options in the C decoder",
    "approx_bytes_per_request": 536.7,
}


def read_events(data):
    return bson.decode_all(data)


def app(environ, start_response):
    event = bson.encode({"path": environ["PATH_INFO"], "kind": "click"})
    found = read_events(event * 3)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(found)).encode()]
