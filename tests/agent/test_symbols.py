"""Which library a native frame is from."""

from __future__ import annotations

import sys

import pytest

from pytest_reqleak.agent.symbols import Libraries

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/maps")


def test_symbol_is_followed_by_the_library_that_offers_it():
    file, _, function = Libraries().name(("<>", 0, "malloc"))

    assert file.startswith("<libc.so")
    assert "malloc" == function


@pytest.mark.parametrize(
    "symbol", ["_handle", "_name", "__getattr__", "no_such_symbol", "operator new(unsigned long)"]
)
def test_symbol_of_no_library_is_native_whatever_it_is_called(symbol):
    assert ("<native>", 0, symbol) == Libraries().name(("<>", 0, symbol))
