"""A list of flags, one per answer: no new object, eight bytes each, in ever longer steps of the list."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "pat_answer_flags",
    "interface": "asgi",
    "expected": "leak",
    "kind": "slots-no-object",
    "python": "3.12",
    "requests": [{"path": "/vote/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "count_vote",
    "holder": "list of module global VOTES",
    "approx_bytes_per_request": 8.5,
    "verify_n": 5000,
}

VOTES = []


def count_vote(number):
    VOTES.append(number % 3 == 0)


async def vote(request):
    count_vote(int(request.path_params["number"]))
    return JSONResponse({"yes": VOTES[-1]})


app = Starlette(routes=[Route("/vote/{number}", vote)])
