"""Which of the shop's leaks are switched on: `SHOP_LEAKS=models,signatures`, or `all`.

- `models`: `orders.RECENT` keeps a Pydantic model of every order that was read.
- `statements`: `history.COMPILED` keeps the compiled SQL of every order that was asked for.
- `signatures`: `signing.KEYED` keeps an HMAC object for every key.
"""

from __future__ import annotations

from examples.leak_switches import read_leaks

KNOWN = ("models", "statements", "signatures")

ON = read_leaks("SHOP_LEAKS", KNOWN)
"""Asked on every request, so that a test can switch a leak on and off."""
