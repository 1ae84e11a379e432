"""What a customer ordered before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from examples.shop import leaks
from examples.shop.database import OrderRow
from examples.shop.models import Order, ReportLine

COMPILED: dict[Any, Any] = {}
"""SQL that was compiled before. SQLAlchemy's own cache forgets; this one never does."""


def count_earlier(session: Session, order: Order, number: int) -> int:
    """How many orders the customer placed before this one."""
    earlier = select(func.count()).where(OrderRow.customer == order.customer, OrderRow.id < order.id)
    if "statements" in leaks.ON:
        # The number becomes part of the SQL, so every order has a statement of its own.
        named = earlier.with_only_columns(func.count().label(f"order_{number}"))
        session.execute(named, execution_options={"compiled_cache": COMPILED}).first()  # the leak
    return session.scalar(earlier) or 0


def totals_by_customer(session: Session, customer: str | None) -> list[ReportLine]:
    """Number and worth of the orders of each customer, or of one."""
    total = func.sum(OrderRow.unit_price * OrderRow.quantity)
    statement = select(OrderRow.customer, func.count(), total).group_by(OrderRow.customer)
    if customer is not None:
        statement = statement.where(OrderRow.customer == customer)
    return [
        ReportLine(customer=name, orders=orders, total=worth)
        for name, orders, worth in session.execute(statement.order_by(OrderRow.customer))
    ]
