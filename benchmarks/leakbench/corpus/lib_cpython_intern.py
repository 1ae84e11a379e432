"""A download page that builds paths: CPython 3.12.1 makes each interned part of a path immortal."""

from pathlib import PurePosixPath

CASE = {
    "name": "lib_cpython_intern",
    "interface": "asgi",
    "expected": "leak",
    "kind": "interpreter",
    "python": "3.12.1",
    "requests": [{"path": "/files/report-{i}"}],
    "needs": [],
    "fixed_python": "3.11",
    "source": "python/cpython#113993",
    "site": "download",
    "holder": "native: the interpreter's table of interned strings",
    "approx_bytes_per_request": 64.5,
}
ROOT = PurePosixPath("/srv/reports")


def download(path):
    return str((ROOT / path.lstrip("/")).with_suffix(".pdf").name)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    name = download(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": name.encode()})
