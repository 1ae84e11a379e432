"""A WSGI shop: Flask, carts in memory, one logger.

`FLASK_SHOP_LEAKS` switches on its two leaks: `carts` and `loggers`, or `all`.
"""
