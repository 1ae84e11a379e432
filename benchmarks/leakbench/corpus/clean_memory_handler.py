"""Logs into a `MemoryHandler` that is flushed at 200 records, with tracebacks among them."""

import logging
import logging.handlers

from flask import Flask

CASE = {
    "name": "clean_memory_handler",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "sawtooth",
    "python": "3.12",
    "requests": [{"path": "/order/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "period": 160,
}

app = Flask(__name__)
LOG = logging.getLogger("orders")
LOG.propagate = False
LOG.setLevel(logging.INFO)
LOG.addHandler(logging.handlers.MemoryHandler(200, logging.CRITICAL, logging.NullHandler()))


@app.get("/order/<int:number>")
def order(number):
    LOG.info("order %d", number)
    try:
        return {"share": 10 // (number % 4)}
    except ZeroDivisionError:
        LOG.exception("order %d cannot be shared", number)
        return {"share": None}
