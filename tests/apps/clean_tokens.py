"""Tokens live for five minutes; twice in a minute whatever is over is left out of a new dict."""

import dataclasses
import time

from tests.apps._asgi import app_of

EXPECT = {"verdict": "clean", "caveat": "expires", "reason": "STORE.tokens"}


@dataclasses.dataclass
class Token:
    path: str
    ends: float


class Store:
    def __init__(self):
        self.tokens = {}
        self.swept = time.time()

    def add(self, path):
        now = time.time()
        if now > self.swept + 30:
            self.swept = now
            self.tokens = {name: token for name, token in self.tokens.items() if token.ends > now}
        self.tokens[path] = Token(path, now + 300)


STORE = Store()


async def handle(path):
    STORE.add(path)


app = app_of(handle)
