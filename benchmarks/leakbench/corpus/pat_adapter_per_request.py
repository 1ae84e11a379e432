"""A cached TypeAdapter, keyed by a type that the handler makes anew each time."""

from dataclasses import make_dataclass
from functools import lru_cache

from fastapi import FastAPI
from pydantic import TypeAdapter

CASE = {
    "name": "pat_adapter_per_request",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-classes",
    "python": "3.13",
    "requests": [{"path": "/points/{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "site": "adapter",
    "holder": "cache of case_app.adapter",
    "approx_bytes_per_request": 25500.8,
    "verify_n": 800,
}

app = FastAPI()


@lru_cache(maxsize=None)
def adapter(kind):
    return TypeAdapter(list[kind])


@app.get("/points/{number}")
async def points(number: int):
    point = make_dataclass("Point", [("x", int), ("y", int)])
    return {"points": len(adapter(point).validate_python([{"x": number, "y": 1}]))}
