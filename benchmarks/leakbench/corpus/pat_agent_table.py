"""Remembers what each kind of client can do, by its User-Agent; robots send a new one each time."""

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

CASE = {
    "name": "pat_agent_table",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.11",
    "requests": [{"path": "/picture", "headers": {"User-Agent": "Chrome/{i}"}}],
    "needs": ["starlette==0.41.3"],
    "source": "pattern",
    "site": "abilities",
    "holder": "module global ABILITIES",
    "approx_bytes_per_request": 372.4,
}

ABILITIES = {}


def abilities(agent):
    known = ABILITIES.get(agent)
    if known is None:
        known = ABILITIES[agent] = {"webp": "Chrome" in agent, "name": agent.partition("/")[0]}
    return known


async def picture(request):
    known = abilities(request.headers["user-agent"])
    return PlainTextResponse("webp" if known["webp"] else "png")


app = Starlette(routes=[Route("/picture", picture)])
