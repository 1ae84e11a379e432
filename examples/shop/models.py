"""What the shop's API takes and answers."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class NewOrder(BaseModel):
    """The body of `POST /orders`."""

    customer: str = Field(min_length=1, max_length=40)
    sku: str = Field(pattern=r"[A-Z]{3}-[0-9]{3}")
    quantity: int = Field(gt=0, le=1000)
    unit_price: Decimal = Field(gt=0, max_digits=10, decimal_places=2)


class Order(NewOrder):
    """An order as it is stored."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class OrderAnswer(BaseModel):
    """An order and what is worth knowing beside it."""

    order: Order
    earlier_orders: int
    """Of the same customer."""


class ReportLine(BaseModel):
    """One customer's total."""

    customer: str
    orders: int
    total: Decimal
