"""A cache without a bound, keyed by the path."""

from tests.apps._asgi import app_of

PAGES = {}


async def handle(path):
    if path not in PAGES:
        PAGES[path] = f"<h1>{path}</h1>" * 4


app = app_of(handle)
EXPECT = {
    "verdict": "leak",
    "causes": ["python"],
    "site": ("leak_keyed.py", "handle"),
    "holder": "PAGES",
    "reason": "same inputs",
}
