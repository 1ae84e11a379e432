import json
import os

import pytest

APPS = '''
"""Apps for the clients of the test: each answers `ok`, and keeps nothing."""
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def home(request):
    return PlainTextResponse("ok")


asgi = Starlette(routes=[Route("/", home)])
wsgi = Flask("apps")
wsgi.add_url_rule("/", "home", lambda: "ok")
'''


@pytest.fixture
def run_pytest(pytester, monkeypatch):
    """Runs pytest in a process of its own, with our plugin and those named, and no other."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTHONTRACEMALLOC", raising=False)
    # pytest-benchmark looks here, and takes the inner pytest for a worker.
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "200")
    pytester.makeini(
        "[pytest]\n"
        "addopts = --strict-markers -p reqleak\n"
        "reqleak_iterations = 60\n"
        "reqleak_batches = 12\n"
        "reqleak_json = runs.json\n"
    )
    pytester.makepyfile(apps=APPS)

    def run(source, *arguments, plugins=(), name="test_it"):
        pytester.makepyfile(**{name: source})
        named = [part for plugin in plugins for part in ("-p", plugin)]
        return pytester.runpytest_subprocess(*named, *arguments, timeout=240)

    return run


@pytest.fixture
def runs(pytester):
    """The runs of the last session, by the name of their test."""

    def read():
        written = json.loads((pytester.path / "runs.json").read_text())["runs"]
        return {run["target"].rpartition("::")[2]: run for run in written}

    return read


@pytest.fixture
def verdicts(runs):
    def read():
        return {name: run["verdict"] for name, run in runs().items()}

    return read
