"""The endpoints whose requests the benchmarks time; none of them keeps anything."""

from __future__ import annotations

from typing import Any


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """A bare ASGI app: one line of text."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def waiting(scope: Any, receive: Any, send: Any) -> None:
    """As `bare`, but each request waits 2 ms, as for a database."""
    import asyncio

    if scope["type"] == "http":
        await asyncio.sleep(0.002)
    await bare(scope, receive, send)


def make_fastapi() -> Any:
    """A FastAPI app whose `/items/{number}` answers with a Pydantic model."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Item(BaseModel):
        number: int
        name: str
        price: float = 1.5
        tags: list[str] = []

    app = FastAPI()

    # Without annotations of its own scope, which FastAPI could not resolve.
    async def read_item(number: int) -> Any:
        return Item(number=number, name=f"item {number}", tags=["a", "b"])

    app.get("/items/{number}", response_model=Item)(read_item)
    return app


def load(name: str) -> tuple[Any, str]:
    """An app by its name, and the path to ask for."""
    if name == "bare":
        return bare, "/"
    if name == "fastapi":
        return make_fastapi(), "/items/{i}"
    if name == "shop":
        from examples.shop.main import app

        return app, "/orders/{i}"
    raise SystemExit(f"no endpoint {name!r}: bare, fastapi or shop")
