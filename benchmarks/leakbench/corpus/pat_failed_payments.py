"""Only refused payments leak: the exception is kept for support, with its frames and their locals."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse

CASE = {
    "name": "pat_failed_payments",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects-errorpath",
    "python": "3.12",
    "requests": [
        {"path": "/pay/{i}/5"},
        {"path": "/pay/{i}/10"},
        {"path": "/pay/{i}/500"},
        {"path": "/pay/{i}/20"},
    ],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "site": "charge",
    "holder": "module global REFUSED",
    "approx_bytes_per_request": 4386.8,
}

app = FastAPI()
REFUSED = []


class Refused(Exception):
    pass


def charge(card, cents):
    receipt = {"card": card, "lines": [f"{card}/{cent}" for cent in range(5)]}
    if cents > 100:
        raise Refused(f"{card}: too much")
    return receipt


@app.get("/pay/{card}/{cents}")
async def pay(card: str, cents: int):
    try:
        return charge(card, cents)
    except Refused as refused:
        REFUSED.append(refused)
        return JSONResponse({"error": str(refused)}, 402)
