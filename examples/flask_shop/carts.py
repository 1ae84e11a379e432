"""The carts of visitors, in memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from examples.flask_shop import leaks

MOST_CARTS = 100
"""A cart that nobody touched for that many other visitors is forgotten."""


@dataclass
class Cart:
    """What a visitor means to buy: quantities by article."""

    visitor: str
    quantities: dict[str, int] = field(default_factory=dict)


CARTS: OrderedDict[str, Cart] = OrderedDict()
"""By visitor, the one touched last at the end."""


def cart_of(visitor: str) -> Cart:
    """The visitor's cart; an empty one at the first visit."""
    if visitor not in CARTS:
        CARTS[visitor] = Cart(visitor)  # the leak, where nothing is forgotten
    CARTS.move_to_end(visitor)
    if "carts" not in leaks.ON:
        while len(CARTS) > MOST_CARTS:
            CARTS.popitem(last=False)
    return CARTS[visitor]
