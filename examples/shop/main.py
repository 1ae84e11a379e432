"""The shop's HTTP API.

The endpoints are coroutines and share SQLite's one connection on the event
loop's thread: a statement takes microseconds there. A database across a network
is waited for, and other requests are served meanwhile.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from examples.shop import history, orders, signing
from examples.shop.database import CUSTOMERS, close, in_session, prepare
from examples.shop.models import NewOrder, OrderAnswer, ReportLine

_numbers = itertools.count(1)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Fill the database before the first request."""
    await prepare()
    yield
    await close()


app = FastAPI(title="Shop", lifespan=lifespan)


def signed(answer: OrderAnswer, number: int, *, status: int) -> Response:
    """An answer with a signature that only the order's owner can check."""
    body = answer.model_dump_json().encode()
    signature = signing.sign(body, key_name=f"order {number}")
    return Response(body, status, {signing.HEADER: signature}, "application/json")


@app.get("/orders/{number}")
async def get_order(number: int) -> Response:
    """One order, with the number of earlier ones."""

    def read(session: Session) -> OrderAnswer:
        order = orders.read_order(session, number)
        return OrderAnswer(order=order, earlier_orders=history.count_earlier(session, order, number))

    return signed(await in_session(read), number, status=200)


@app.post("/orders")
async def post_order(request: Request) -> Response:
    """Place an order; its body must be signed with the key `shop`."""
    body = await request.body()
    if not signing.is_signed(body, request.headers.get(signing.HEADER, ""), key_name="shop"):
        raise HTTPException(401, f"{signing.HEADER} does not fit the body")
    try:
        new = NewOrder.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from error
    number = next(_numbers)

    def place(session: Session) -> OrderAnswer:
        order = orders.place_order(session, number, new)
        return OrderAnswer(order=order, earlier_orders=history.count_earlier(session, order, number))

    return signed(await in_session(place), number, status=201)


@app.get("/reports")
async def get_report(customer: str | None = None) -> list[ReportLine]:
    """Totals by customer; `?customer=ada` asks for one."""
    if customer is not None and customer not in CUSTOMERS:
        raise HTTPException(404, f"no customer {customer!r}")
    return await in_session(lambda session: history.totals_by_customer(session, customer))
