"""Appends a dict to a module's list."""

from tests.apps._asgi import app_of

SEEN = []


async def handle(path):
    SEEN.append({"path": path, "length": len(path)})


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "causes": ["python"],
    "bytes": (180, 400),
    "site": ("leak_list.py", "handle"),
    "holder": "SEEN",
}
