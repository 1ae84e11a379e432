"""The Flask shop leaves nothing behind, unless a leak is switched on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from examples.flask_shop.main import app
from pytest_reqleak import MemoryGrowth, Request
from pytest_reqleak.fixture import Reqleak


@pytest.mark.no_leak(iterations=500)
def test_a_visitor_who_comes_back_leaves_nothing_behind(reqleak_client: httpx.Client) -> None:
    answer = reqleak_client.get("/carts/ada")

    assert 200 == answer.status_code


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/carts/visitor-{i}"),
        Request("POST", "/carts/{i}/articles", json={"article": "tea", "quantity": 2}, expect=201),
        Request("POST", "/carts/{i}/articles", json={"article": 7}, expect=422),
    ],
    ids=lambda request: f"{request.method} {request.path} {request.expect or ''}",
)
def test_new_visitors_leave_nothing_behind(reqleak: Reqleak, request_: Request) -> None:
    reqleak.check(app, request_, server="direct", iterations=500)


@pytest.mark.parametrize(
    ("leak", "file", "holder"),
    [("carts", "carts.py", "examples.flask_shop.carts.CARTS"), ("loggers", "main.py", "loggerDict")],
)
def test_a_leak_is_found_with_its_line_and_its_holder(
    reqleak: Reqleak, switch_on: Callable[..., None], leak: str, file: str, holder: str
) -> None:
    switch_on(leak)

    with pytest.raises(MemoryGrowth) as caught:
        reqleak.check(app, "GET /carts/newcomer-{i}", server="direct", iterations=500)

    frame = caught.value.run.sites[0].frames[0]
    assert file == Path(frame.file).name
    assert "# the leak" in frame.code
    assert caught.value.run.holders[0].path.endswith(holder)
