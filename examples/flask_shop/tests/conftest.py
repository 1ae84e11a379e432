"""What the Flask shop's tests share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from examples.flask_shop import carts, leaks
from examples.flask_shop.main import app


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
    carts.CARTS.clear()
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("examples.flask_shop.")]:
        del logging.root.manager.loggerDict[name]


@pytest.fixture(autouse=True)
def _clean_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever runs the tests may have FLASK_SHOP_LEAKS set.
    monkeypatch.setattr(leaks, "ON", set())
