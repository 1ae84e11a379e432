"""Which of the Flask shop's leaks are switched on: `FLASK_SHOP_LEAKS=carts`, or `all`.

- `carts`: `carts.CARTS` keeps the cart of every visitor.
- `loggers`: `main.log_for` makes a logger for every visitor, and `logging` keeps it.
"""

from __future__ import annotations

from examples.leak_switches import read_leaks

KNOWN = ("carts", "loggers")

ON = read_leaks("FLASK_SHOP_LEAKS", KNOWN)
"""Asked on every request, so that a test can switch a leak on and off."""
