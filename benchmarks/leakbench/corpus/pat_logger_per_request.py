"""A logger named after each request: `logging` never forgets a name."""

import logging

from fastapi import FastAPI

CASE = {
    "name": "pat_logger_per_request",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/buy/{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "site": "logger_for",
    "holder": "logging.Logger.manager.loggerDict",
    "approx_bytes_per_request": 709.1,
}

app = FastAPI()


def logger_for(number):
    return logging.getLogger(f"shop.request.{number}")


@app.get("/buy/{number}")
async def buy(number: int):
    logger_for(number).debug("bought")
    return {"bought": number}
