"""FastAPI behind one middleware of the usual kind: Starlette cancels a pending `receive()` per request."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel


class Item(BaseModel):
    number: int
    name: str
    price: float


app = FastAPI()


@app.middleware("http")
async def add_version(request: Request, call_next: Any) -> Any:
    """Name the version of the API in each response."""
    response = await call_next(request)
    response.headers["X-Version"] = "1"
    return response


@app.get("/items/{number}")
async def get_item(number: int) -> Item:
    """One item."""
    return Item(number=number, name=f"item {number}", price=number / 100)
