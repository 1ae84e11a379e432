"""Read and place orders."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from examples.shop import leaks
from examples.shop.database import CAPACITY, OrderRow
from examples.shop.models import NewOrder, Order

RECENT: list[Order] = []
"""Orders that were answered lately. Nobody ever takes one out."""


def read_order(session: Session, number: int) -> Order:
    """The order of that number; the ring has one for every number."""
    row = session.scalars(select(OrderRow).where(OrderRow.id == number % CAPACITY)).one()
    order = Order.model_validate(row)
    if "models" in leaks.ON:
        RECENT.append(Order.model_validate(row))  # the leak
    return order


def place_order(session: Session, number: int, new: NewOrder) -> Order:
    """Store a new order in the place of the oldest."""
    row = session.scalars(select(OrderRow).where(OrderRow.id == number % CAPACITY)).one()
    for field, value in new:
        setattr(row, field, value)
    session.flush()
    return Order.model_validate(row)
