"""Rendered invoices are kept by number, so that the second look is fast; nobody looks twice."""

from flask import Flask

CASE = {
    "name": "pat_cache_without_bound",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.13",
    "requests": [{"path": "/invoice/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "render",
    "holder": "module global RENDERED",
    "approx_bytes_per_request": 325.0,
}

app = Flask(__name__)
RENDERED = {}


def render(number):
    if number not in RENDERED:
        RENDERED[number] = "\n".join(f"{number}.{line}: {line * 3} EUR" for line in range(12))
    return RENDERED[number]


@app.get("/invoice/<number>")
def invoice(number):
    return render(number)
