"""Five endpoints, and only the search keeps something."""

from fastapi import FastAPI

CASE = {
    "name": "pat_one_of_five",
    "interface": "asgi",
    "expected": "leak",
    "kind": "one-of-many",
    "python": "3.11",
    "requests": [
        {"path": "/"},
        {"path": "/item/{i}"},
        {"path": "/search?words=Chair+{i}"},
        {"path": "/basket/u{i}"},
        {"path": "/health"},
    ],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "site": "learn",
    "holder": "module global SUGGESTIONS",
    "approx_bytes_per_request": 36.0,
}

app = FastAPI()
SUGGESTIONS = set()


def learn(words):
    SUGGESTIONS.add(words.casefold())


@app.get("/")
async def home():
    return {"home": True}


@app.get("/item/{number}")
async def item(number: int):
    return {"item": number}


@app.get("/search")
async def search(words: str):
    learn(words)
    return {"found": []}


@app.get("/basket/{user}")
async def basket(user: str):
    return {"user": user, "lines": []}


@app.get("/health")
async def health():
    return {"ok": True}
