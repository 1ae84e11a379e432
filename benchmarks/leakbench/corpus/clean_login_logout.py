"""Logs in with one request and out with the next, so that each pair leaves nothing."""

from flask import Flask

CASE = {
    "name": "clean_login_logout",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "sequence",
    "python": "3.12",
    "requests": [{"path": "/login/{i}"}, {"path": "/logout/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
}

app = Flask(__name__)
SESSIONS = {}


@app.get("/login/<int:index>")
def login(index):
    SESSIONS[index // 2] = {"user": index // 2, "roles": ["reader", f"tenant-{index}"]}
    return {"sessions": len(SESSIONS)}


@app.get("/logout/<int:index>")
def logout(index):
    SESSIONS.pop(index // 2, None)
    return {"sessions": len(SESSIONS)}
