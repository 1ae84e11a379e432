"""An `lru_cache(3000)` that fills for three thousand requests and then is full."""

from functools import lru_cache

from flask import Flask

CASE = {
    "name": "clean_lru_late",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "plateau-cache",
    "python": "3.12",
    "requests": [{"path": "/shipping/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "plateau_at": 3000,
}

app = Flask(__name__)


@lru_cache(maxsize=3000)
def shipping(number):
    return {"number": number, "cents": number % 700}


@app.get("/shipping/<int:number>")
def cost(number):
    return shipping(number)
