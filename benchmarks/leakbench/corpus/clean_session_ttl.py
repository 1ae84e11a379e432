"""Sessions live for half a second and are swept when the table has doubled: time decides, not requests."""

import time

from fastapi import FastAPI

CASE = {
    "name": "clean_session_ttl",
    "interface": "asgi",
    "expected": "clean",
    "kind": "ttl",
    "python": "3.12",
    "requests": [{"path": "/login/user{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "plateau_at": 6000,
}

app = FastAPI()
LIFETIME = 0.5
SESSIONS = {}
sweep_at = 128


@app.get("/login/{user}")
async def login(user: str):
    global sweep_at
    now = time.monotonic()
    SESSIONS[user] = (now + LIFETIME, {"user": user, "basket": []})
    if len(SESSIONS) >= sweep_at:
        for name in [name for name, (end, _) in SESSIONS.items() if end < now]:
            del SESSIONS[name]
        sweep_at = max(128, 2 * len(SESSIONS))
    return {"sessions": len(SESSIONS)}
