"""What the shop's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from examples.shop import history, leaks, orders, signing
from examples.shop.main import app


@pytest.fixture
def reqleak_app() -> object:
    """The app that `reqleak_client` talks to."""
    return app


@pytest.fixture
def switch_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Switch leaks on for one test; what they kept is let go afterwards."""

    def switch(*names: str) -> None:
        monkeypatch.setattr(leaks, "ON", set(names))

    yield switch
    orders.RECENT.clear()
    history.COMPILED.clear()
    signing.KEYED.clear()


@pytest.fixture(autouse=True)
def _clean_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever runs the tests may have SHOP_LEAKS set.
    monkeypatch.setattr(leaks, "ON", set())
