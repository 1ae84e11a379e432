"""A buffer of 1700 rows: several hundred requests go by without a drop."""

from flask import Flask

CASE = {
    "name": "clean_long_buffer",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "sawtooth",
    "python": "3.12",
    "requests": [{"path": "/row/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "period": 1700,
    "plateau_at": 5100,
}

app = Flask(__name__)
ROWS = []


@app.get("/row/<int:number>")
def row(number):
    ROWS.append((number, f"row {number}"))
    if len(ROWS) == 1700:
        ROWS.clear()
    return {"rows": len(ROWS)}
