"""Learns which of 1200 words are used; the last ones come late, as with coupons."""

import random

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_coupon_set",
    "interface": "asgi",
    "expected": "clean",
    "kind": "slow-plateau",
    "python": "3.12",
    "requests": [{"path": "/word"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "plateau_at": 9000,
}

RANDOM = random.Random(7)
KNOWN = {}


async def word(request):
    number = RANDOM.randrange(1200)
    known = KNOWN.setdefault(number, f"word number {number}")
    return JSONResponse({"word": known})


app = Starlette(routes=[Route("/word", word)])
