"""Each of the shop's leaks is found, with its line and its holder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from examples.shop.main import app
from pytest_reqleak import MemoryGrowth
from pytest_reqleak.fixture import Reqleak

PROJECT = Path(__file__).parents[3]
RUN_SECONDS = 300


@pytest.mark.parametrize(
    ("leak", "file", "category", "holder"),
    [
        ("models", "orders.py", "pydantic model", "examples.shop.orders.RECENT"),
        ("statements", "history.py", "sqlalchemy cache key", "examples.shop.history.COMPILED"),
        ("signatures", "signing.py", "hmac", "examples.shop.signing.KEYED"),
    ],
)
def test_a_leak_is_found_with_its_line_and_its_holder(
    reqleak: Reqleak, switch_on: Callable[..., None], leak: str, file: str, category: str, holder: str
) -> None:
    switch_on(leak)

    run = reqleak.measure(app, "GET /orders/{i}", server="direct", iterations=500)

    assert "leak" == run.verdict
    frame = run.sites[0].frames[0]
    assert file == Path(frame.file).name
    assert frame.code.endswith("# the leak")
    assert category == run.sites[0].category
    assert holder == run.holders[0].path


@pytest.mark.xfail(raises=MemoryGrowth, reason="the leak is switched on")
@pytest.mark.no_leak(iterations=300, server="direct")
def test_a_marked_test_fails_when_its_requests_leak(
    switch_on: Callable[..., None], reqleak_client: httpx.Client
) -> None:
    switch_on("models")

    assert 200 == reqleak_client.get("/orders/7").status_code


def test_the_command_names_every_leak_that_the_environment_switches_on(tmp_path: Path) -> None:
    answer = tmp_path / "run.json"
    reqleak = shutil.which("reqleak", path=str(Path(sys.executable).parent)) or "reqleak"
    command = [reqleak, "check", "examples.shop.main:app", "GET /orders/{i}"]

    done = subprocess.run(
        [*command, "--iterations", "500", "--json", str(answer)],
        cwd=PROJECT,
        env={**os.environ, "SHOP_LEAKS": "all"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )

    assert 1 == done.returncode, done.stderr
    held = {holder["path"] for holder in json.loads(answer.read_text())["holders"]}
    assert held >= {
        "examples.shop.orders.RECENT",
        "examples.shop.history.COMPILED",
        "examples.shop.signing.KEYED",
    }
    assert "examples.shop.history.COMPILED" in done.stdout


def test_a_leak_that_does_not_exist_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import examples.shop.main"],
        cwd=PROJECT,
        env={**os.environ, "SHOP_LEAKS": "modles"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )

    assert 1 == done.returncode
    assert (
        "SHOP_LEAKS: unknown leak 'modles'; known are models, statements, signatures and all" in done.stderr
    )
