import json
import sys

import pytest

APPS = '''
"""Small ASGI apps of known behaviour."""
import logging
import sys
import warnings

KEPT = []


async def answer(send, status=200, body=b"ok"):
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def asgi(handle):
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await handle(scope, send)
    return app


async def _clean(scope, send):
    await answer(send)


async def _leaky(scope, send):
    KEPT.append(object())
    await answer(send)


async def _talkative(scope, send):
    path = scope["path"]
    logging.getLogger("app").warning("asked for %s", path)
    print("printed", path)
    print("complained", path, file=sys.stderr)
    warnings.warn("always new: " + path)
    warnings.warn("deprecated " + path, DeprecationWarning)
    await answer(send)


async def _failing(scope, send):
    await answer(send, 500, b"no such table: orders")


clean, leaky, talkative, failing = map(asgi, (_clean, _leaky, _talkative, _failing))


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def make():
    return clean


not_an_app = 42
'''

SHORT = "--reqleak-iterations=200", "--reqleak-batches=20"


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder with `apps.py`, in which a pytest loads our plugin and those that the tests need."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p reqleak -p xdist -p anyio")
    pytester.makepyfile(apps=APPS)
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    return pytester


@pytest.fixture
def run_pytest(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")

    def run(source, *arguments, short=True):
        if source:
            project.makepyfile(test_it=source)
        return project.runpytest_subprocess(*(SHORT if short else ()), *arguments, timeout=120)

    return run


@pytest.fixture
def run_command(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments):
        return project.run(sys.executable, "-m", "pytest_reqleak", *arguments, timeout=120)

    return run


@pytest.fixture
def read_json(project):
    def read(name):
        return json.loads((project.path / name).read_text())

    return read
