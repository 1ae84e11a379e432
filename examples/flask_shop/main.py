"""The Flask shop's HTTP API."""

from __future__ import annotations

import logging

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from examples.flask_shop import leaks
from examples.flask_shop.carts import cart_of

app = Flask(__name__)
logger = logging.getLogger("examples.flask_shop")


def log_for(visitor: str) -> logging.Logger:
    """Where to log what a visitor does."""
    if "loggers" in leaks.ON:
        # logging keeps every logger for ever, and a name per visitor never ends.
        return logging.getLogger(f"examples.flask_shop.{visitor}")  # the leak
    return logger


@app.get("/carts/<visitor>")
def get_cart(visitor: str) -> ResponseReturnValue:
    """The visitor's cart."""
    log_for(visitor).debug("cart of %s", visitor)
    cart = cart_of(visitor)
    return jsonify(visitor=visitor, quantities=cart.quantities)


@app.post("/carts/<visitor>/articles")
def add_article(visitor: str) -> ResponseReturnValue:
    """Put an article into the cart: `{"article": "tea", "quantity": 2}`."""
    body = request.get_json()
    article, quantity = body.get("article"), body.get("quantity", 1)
    if not isinstance(article, str) or not isinstance(quantity, int) or quantity < 1:
        return jsonify(error="article must be text and quantity at least 1"), 422
    cart = cart_of(visitor)
    cart.quantities[article] = cart.quantities.get(article, 0) + quantity
    return jsonify(visitor=visitor, quantities=cart.quantities), 201
