"""One request in seven builds two megabytes and lets them go."""

from fastapi import FastAPI, Response

CASE = {
    "name": "clean_big_report",
    "interface": "asgi",
    "expected": "clean",
    "kind": "transient",
    "python": "3.12",
    "requests": [{"path": "/report/{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "verify_n": 1500,
}

app = FastAPI()


@app.get("/report/{number}")
async def report(number: int):
    rows = 50_000 if number % 7 == 0 else 20
    body = b"".join(b"%d;%d;some text of a row\n" % (number, row) for row in range(rows))
    return Response(str(len(body)), media_type="text/plain")
