"""Search filters as frozen dicts; most requests have none, and each empty one is lost."""

from frozendict import frozendict

CASE = {
    "name": "lib_frozendict_empty",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-refcount-tiny",
    "python": "3.10",
    "requests": [{"path": "/search/{i}"}, {"path": "/search/{i}?colour=red"}],
    "needs": ["frozendict==2.3.2"],
    "fixed_needs": ["frozendict==2.3.4"],
    "source": "Marco-Sulla/python-frozendict#60",
    "site": "filters",
    "holder": "refcount leak of the empty frozendict in the C extension",
    "approx_bytes_per_request": 40.2,
}


def filters(query):
    return frozendict(dict(part.split("=") for part in query.split("&") if part))


def app(environ, start_response):
    chosen = filters(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{len(chosen)} filters".encode()]
