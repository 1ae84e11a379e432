"""Every answer is built from a document whose parts know each other: only the collector frees them."""

from flask import Flask

CASE = {
    "name": "clean_cycles",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "delayed-gc",
    "python": "3.12",
    "requests": [{"path": "/document/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
}

app = Flask(__name__)


class Part:
    def __init__(self, document, number):
        self.document = document
        self.text = f"part {number}" * 5


class Document:
    def __init__(self, number):
        self.number = number
        self.parts = [Part(self, part) for part in range(6)]


@app.get("/document/<int:number>")
def document(number):
    return {"parts": [part.text for part in Document(number).parts]}
