"""Quart: an ASGI framework that starts helper tasks around each request."""

from quart import Quart, jsonify, request

CASE = {
    "name": "clean_quart_pages",
    "interface": "asgi",
    "expected": "clean",
    "kind": "framework",
    "python": "3.12",
    "requests": [{"method": "POST", "path": "/echo/{i}", "json": {"number": "{i}"}}, {"path": "/fail/{i}"}],
    "needs": ["quart==0.20.0"],
    "source": "pattern",
}

app = Quart(__name__)


@app.post("/echo/<name>")
async def echo(name):
    sent = await request.get_json()
    return jsonify(name=name, sent=sent)


@app.get("/fail/<name>")
async def fail(name):
    raise LookupError(name)
