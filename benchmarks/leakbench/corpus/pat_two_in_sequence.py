"""A draft that is opened and then sent stays: `send` copies it to the archive and pops the wrong key."""

from flask import Flask

CASE = {
    "name": "pat_two_in_sequence",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "sequence",
    "python": "3.12",
    "requests": [{"path": "/open/{i}"}, {"path": "/send/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "draft",
    "holder": "module global DRAFTS",
    "approx_bytes_per_request": 274.1,
}

app = Flask(__name__)
DRAFTS = {}


def draft(number):
    return DRAFTS.setdefault(f"draft-{number}", {"text": f"dear {number}", "to": [number, number + 1]})


@app.get("/open/<int:index>")
def open_draft(index):
    return {"text": draft(index // 2)["text"]}


@app.get("/send/<int:index>")
def send_draft(index):
    text = draft(index // 2)["text"]
    DRAFTS.pop(f"draft{index // 2}", None)
    return {"sent": text}
