"""A list of flags that forgets the oldest beyond 1,200, and an array that is halved when it is full."""

from array import array

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "clean_capped_votes",
    "interface": "asgi",
    "expected": "clean",
    "kind": "plateau-slots",
    "python": "3.12",
    "requests": [{"path": "/vote/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "plateau_at": 1200,
}

MOST = 1200
VOTES = []
MILLISECONDS = array("H")


async def vote(request):
    number = int(request.path_params["number"])
    VOTES.append(number % 3 == 0)
    if len(VOTES) > MOST:
        del VOTES[0]
    MILLISECONDS.append(number % 50)
    if len(MILLISECONDS) >= MOST:
        del MILLISECONDS[: MOST // 2]
    return JSONResponse({"yes": VOTES[-1], "slowest": max(MILLISECONDS[-10:])})


app = Starlette(routes=[Route("/vote/{number}", vote)])
