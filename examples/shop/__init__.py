"""An order service: FastAPI, Pydantic, SQLAlchemy and HMAC-signed requests.

It is clean as it stands. `SHOP_LEAKS` switches on three leaks, one by one or
together, each on one line of its own module (`leaks.py` lists them).
"""
