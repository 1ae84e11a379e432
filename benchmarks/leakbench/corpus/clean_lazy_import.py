"""Endpoints that import what they need at their first call, one of them rarely called."""

from flask import Flask

CASE = {
    "name": "clean_lazy_import",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "steps",
    "python": "3.13",
    "requests": [{"path": "/convert/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "plateau_at": 700,
}

app = Flask(__name__)
served = 0


@app.get("/convert/<int:number>")
def convert(number):
    global served
    served += 1
    if served % 300 == 0:
        import decimal
        import xml.dom.minidom

        text = xml.dom.minidom.parseString(f"<n>{number}</n>").documentElement.firstChild.data
        return {"number": str(decimal.Decimal(text) / 3)}
    import statistics

    return {"number": statistics.mean([number, 1, 2])}
