"""A WSGI app that keeps a string per request."""

KEPT = []


def app(environ, start_response):
    KEPT.append(environ["PATH_INFO"] * 3)
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"ok"]


EXPECT = {"verdict": "leak", "causes": ["python"], "site": ("leak_wsgi.py", "app"), "holder": "KEPT"}
