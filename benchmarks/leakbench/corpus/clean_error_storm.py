"""Two of three requests fail, with chained errors that a bounded log keeps for a while."""

from collections import deque

from fastapi import FastAPI
from fastapi.responses import JSONResponse

CASE = {
    "name": "clean_error_storm",
    "interface": "asgi",
    "expected": "clean",
    "kind": "error-path",
    "python": "3.13",
    "requests": [{"path": "/divide/{i}"}, {"path": "/divide/3"}, {"path": "/divide/x{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
}

app = FastAPI()
LAST = deque(maxlen=50)


def parse(number):
    try:
        return 100 // (number % 3)
    except ZeroDivisionError as error:
        raise ValueError(f"number {number}") from error


@app.exception_handler(ValueError)
async def refuse(request, error):
    LAST.append(error)
    return JSONResponse({"error": str(error)}, 422)


@app.get("/divide/{number}")
async def divide(number: int):
    return {"result": parse(number)}
