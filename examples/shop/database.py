"""The shop's one table, seeded, in SQLite in memory or wherever `SHOP_DATABASE_URL` points.

The table is a ring: it always holds `CAPACITY` orders. Order number n lives in
row `n % CAPACITY`, so every number can be read, a new order replaces an old one,
and a run of any length leaves the database as large as it found it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Engine, Numeric, String, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Answer = TypeVar("Answer")

CAPACITY = 200
CUSTOMERS = ("ada", "grace", "edsger", "barbara", "donald")


class Base(DeclarativeBase):
    """Root of the tables."""


class OrderRow(Base):
    """One place of the ring."""

    __tablename__ = "shop_orders"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    customer: Mapped[str] = mapped_column(String(40), index=True)
    sku: Mapped[str] = mapped_column(String(7))
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 2, asdecimal=True))


def make_engine(url: str) -> Engine | AsyncEngine:
    """Connect to `url`.

    SQLite in memory is one connection that all requests share; any other database is
    across a network, so its driver must be one that does not block the event loop.
    """
    if url == "sqlite://":
        return create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(url)


engine = make_engine(os.environ.get("SHOP_DATABASE_URL") or "sqlite://")


async def in_session(work: Callable[[Session], Answer]) -> Answer:
    """Do some work in a session and a transaction of its own."""
    if isinstance(engine, Engine):
        with Session(engine) as session, session.begin():
            return work(session)
    from sqlalchemy.ext.asyncio import AsyncSession

    async with AsyncSession(engine) as waiting, waiting.begin():
        return await waiting.run_sync(work)


async def prepare() -> None:
    """Create the table and fill its ring, where that has not been done yet."""
    await in_session(_fill)


def _fill(session: Session) -> None:
    Base.metadata.create_all(session.connection())
    if session.scalar(select(func.count()).select_from(OrderRow)):
        return
    session.add_all(
        OrderRow(
            id=place,
            customer=CUSTOMERS[place % len(CUSTOMERS)],
            sku=f"SKU-{place % 37:03}",
            quantity=1 + place % 9,
            unit_price=Decimal(100 + place) / 4,
        )
        for place in range(CAPACITY)
    )


async def close() -> None:
    """Let go of all connections: those of an event loop are of no use to the next."""
    if isinstance(engine, Engine):
        engine.dispose()
    else:
        await engine.dispose()
