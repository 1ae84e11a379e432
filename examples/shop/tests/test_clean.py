"""The shop as it stands leaves nothing behind."""

from __future__ import annotations

import httpx
import pytest

from examples.shop.main import app
from examples.shop.signing import HEADER, is_signed, sign
from pytest_reqleak import Request
from pytest_reqleak.fixture import Reqleak

ORDER = b'{"customer": "ada", "sku": "TEA-001", "quantity": 2, "unit_price": "3.50"}'
SIGNED = {HEADER: sign(ORDER, key_name="shop")}


@pytest.mark.no_leak(iterations=500)
def test_reading_an_order_leaves_nothing_behind(reqleak_client: httpx.Client) -> None:
    answer = reqleak_client.get("/orders/7")

    assert 200 == answer.status_code
    assert is_signed(answer.content, answer.headers[HEADER], key_name="order 7")


@pytest.mark.no_leak(iterations=300, server="direct")
def test_placing_an_order_leaves_nothing_behind(reqleak_client: httpx.Client) -> None:
    answer = reqleak_client.post("/orders", content=ORDER, headers=SIGNED)

    assert 201 == answer.status_code
    assert "TEA-001" == answer.json()["order"]["sku"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/orders/{i}"),
        Request("POST", "/orders", content=ORDER, headers=SIGNED, expect=201),
        Request("POST", "/orders", content=ORDER, headers={HEADER: "forged {i}"}, expect=401),
        Request("GET", "/reports?customer=ada"),
        Request("GET", "/reports?customer={i}", expect=404),
    ],
    ids=lambda request: f"{request.method} {request.path} {request.expect or ''}",
)
def test_each_request_leaves_nothing_behind(reqleak: Reqleak, request_: Request) -> None:
    reqleak.check(app, request_, server="direct", iterations=500)
