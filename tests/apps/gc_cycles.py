"""Keeps the last 500 of its cycles, so that the app's own collector meets them old."""

from collections import deque

from tests.apps._asgi import app_of


class Node:
    def __init__(self):
        self.me = self
        self.parts = [1, {}]


RECENT = deque(maxlen=500)


async def handle(path):
    RECENT.append(Node())


app = app_of(handle)
