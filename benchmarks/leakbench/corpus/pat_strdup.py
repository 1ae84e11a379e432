"""Calls a C library that hands out copies, which nobody frees."""

import ctypes

from flask import Flask

CASE = {
    "name": "pat_strdup",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "native-malloc",
    "python": "3.13",
    "requests": [{"path": "/translate/word-{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "translate",
    "holder": "none (unfreed copies of the C library)",
    "approx_bytes_per_request": 197.2,
}

app = Flask(__name__)
LIBC = ctypes.CDLL(None)
LIBC.strdup.restype = ctypes.c_void_p
LIBC.strdup.argtypes = [ctypes.c_char_p]


def translate(text):
    return ctypes.string_at(LIBC.strdup(text.encode() * 20)).decode()


@app.get("/translate/<word>")
def word(word):
    return {"length": len(translate(word))}
