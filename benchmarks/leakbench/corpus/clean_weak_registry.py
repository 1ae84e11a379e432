"""Every request registers its job in a weak dict, which loses it when the request ends."""

import weakref

from fastapi import FastAPI

CASE = {
    "name": "clean_weak_registry",
    "interface": "asgi",
    "expected": "clean",
    "kind": "weak",
    "python": "3.12",
    "requests": [{"path": "/job/{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
}

app = FastAPI()
JOBS = weakref.WeakValueDictionary()


class Job:
    def __init__(self, number):
        self.number = number


@app.get("/job/{number}")
async def job(number: int):
    JOBS[number] = made = Job(number)
    return {"jobs": len(JOBS), "number": made.number}
