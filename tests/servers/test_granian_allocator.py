"""Granian's own allocator is told to give freed memory back at once, and nobody else hears of it."""

from __future__ import annotations

import os
import sys

import pytest

from pytest_reqleak.servers.external import boot_external

pytest.importorskip("granian")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

SHOWS = """
import os

async def app(scope, receive, send):
    body = os.environ.get("_RJEM_MALLOC_CONF", "nothing").encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture
def target(tmp_path, monkeypatch):
    (tmp_path / "shows_setting.py").write_text(SHOWS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "shows_setting:app"


def started_with(pid: int) -> str:
    with open(f"/proc/{pid}/environ", "rb") as file:
        pairs = dict(entry.partition("=")[::2] for entry in os.fsdecode(file.read()).split("\0"))
    return pairs.get("_RJEM_MALLOC_CONF", "")


def answer(url: str) -> str:
    import httpx

    return httpx.get(url).text


def test_the_worker_is_started_with_it_and_the_app_does_not_see_it(target, monkeypatch):
    monkeypatch.delenv("_RJEM_MALLOC_CONF", raising=False)
    with boot_external(target, server="granian", interface="asgi", timeout=30) as app:
        assert "dirty_decay_ms:0,muzzy_decay_ms:0" == started_with(app.info.pid)
        assert "nothing" == answer(app.url)


def test_the_users_own_setting_comes_first(target, monkeypatch):
    monkeypatch.setenv("_RJEM_MALLOC_CONF", "dirty_decay_ms:500")
    with boot_external(target, server="granian", interface="asgi", timeout=30) as app:
        assert "dirty_decay_ms:500" == started_with(app.info.pid)
        assert "dirty_decay_ms:500" == answer(app.url)
