"""Turns the collector off for speed; its trees point to their parents."""

import gc

from flask import Flask

CASE = {
    "name": "pat_gc_off_trees",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "cycles-gc-disabled",
    "python": "3.12",
    "requests": [{"path": "/tree/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "Node",
    "holder": "uncollected reference cycles (gc disabled by the app)",
    "approx_bytes_per_request": 1456.8,
    "no_gc": True,
}

app = Flask(__name__)
gc.disable()


class Node:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.children = []
        if parent is not None:
            parent.children.append(self)


def tree(number):
    root = Node(f"root-{number}")
    Node("left", root)
    Node("right", root)
    return root


@app.get("/tree/<number>")
def show(number):
    return {"children": len(tree(number).children)}
