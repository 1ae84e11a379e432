"""A slow leak: one request in two hundred raises an alarm, and alarms are kept."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "pat_one_in_200",
    "interface": "asgi",
    "expected": "leak",
    "kind": "slow",
    "python": "3.12",
    "requests": [{"path": "/sensor/{i}"}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "check",
    "holder": "module global ALARMS",
    "approx_bytes_per_request": 2.5,
    "verify_n": 6000,
}

ALARMS = []


def check(number):
    if number % 200 == 77:
        ALARMS.append({"number": number, "text": f"alarm {number} " * 4})


async def sensor(request):
    check(int(request.path_params["number"]))
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route("/sensor/{number}", sensor)])
