"""Loads a table at request 700 and another at 1900, as a feature flag might: two steps, and no slope."""

from flask import Flask

CASE = {
    "name": "clean_late_steps",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "steps",
    "python": "3.12",
    "requests": [{"path": "/rate"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "plateau_at": 2000,
}

app = Flask(__name__)
TABLES = {}
served = 0


@app.get("/rate")
def rate():
    global served
    served += 1
    if served in (700, 1900):
        TABLES[served] = {code: f"rate of {code}" for code in range(5000)}
    return {"tables": len(TABLES)}
