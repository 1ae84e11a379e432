"""Signatures of requests and answers: HMAC-SHA256 under a key per customer or order."""

from __future__ import annotations

import hashlib
import hmac
import os

from examples.shop import leaks

SECRET = os.environ.get("SHOP_SECRET", "not a secret").encode()
HEADER = "x-shop-signature"

KEYED: dict[str, hmac.HMAC] = {}
"""HMAC objects ready for use, one for each key that was ever asked for."""


def sign(body: bytes, *, key_name: str) -> str:
    """Sign a body with the key of that name, derived from the shop's secret."""
    key = hashlib.sha256(SECRET + key_name.encode()).digest()
    if "signatures" in leaks.ON:
        if key_name not in KEYED:
            KEYED[key_name] = hmac.new(key, digestmod=hashlib.sha256)  # the leak
        keyed = KEYED[key_name].copy()
    else:
        keyed = hmac.new(key, digestmod=hashlib.sha256)
    keyed.update(body)
    return keyed.hexdigest()


def is_signed(body: bytes, signature: str, *, key_name: str) -> bool:
    """Whether the signature is the right one, told in constant time."""
    return hmac.compare_digest(sign(body, key_name=key_name).encode(), signature.encode())
