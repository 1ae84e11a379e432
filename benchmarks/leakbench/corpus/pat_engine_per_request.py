"""A database engine for every request, kept so that its pool stays warm."""

from flask import Flask
from sqlalchemy import create_engine, text

CASE = {
    "name": "pat_engine_per_request",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "python+native",
    "python": "3.12",
    "requests": [{"path": "/sum/{i}"}],
    "needs": ["flask==3.1.0", "sqlalchemy==2.0.36"],
    "source": "pattern",
    "site": "engine",
    "holder": "module global WARM",
    "approx_bytes_per_request": 41092.4,
    "verify_n": 600,
}

app = Flask(__name__)
WARM = []


def engine():
    made = create_engine("sqlite://")
    WARM.append(made)
    return made


@app.get("/sum/<int:number>")
def total(number):
    with engine().connect() as connection:
        return {"sum": connection.execute(text("select :n + 1"), {"n": number}).scalar_one()}
