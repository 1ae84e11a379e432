"""The app with the three endpoints."""

from __future__ import annotations

from functools import lru_cache

from fastapi import FastAPI

app = FastAPI()
KEPT: list[bytes] = []


def remember() -> None:
    KEPT.append(bytes(200))


@lru_cache(maxsize=512)
def describe(number: int) -> bytes:
    return b"%8d" % number + bytes(192)


# Full from the start: what is to be told apart is a cache that keeps its size, not one that fills.
for earlier in range(-512, 0):
    describe(earlier)


@app.get("/leak")
async def leak() -> dict[str, bool]:
    remember()
    return {"ok": True}


@app.get("/cache/{number}")
async def cache(number: int) -> dict[str, int]:
    return {"length": len(describe(number))}


@app.get("/clean")
async def clean() -> dict[str, bool]:
    return {"ok": True}
