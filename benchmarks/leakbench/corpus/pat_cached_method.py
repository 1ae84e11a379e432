"""`functools.cache` on a method: the cache holds every instance that was ever asked."""

from functools import cache

from flask import Flask

CASE = {
    "name": "pat_cached_method",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.11",
    "requests": [{"path": "/tariff/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "site": "Tariff",
    "holder": "functools cache of Tariff.rate",
    "approx_bytes_per_request": 918.0,
}

app = Flask(__name__)


class Tariff:
    def __init__(self, customer):
        self.customer = customer
        self.rates = {year: customer + year for year in range(2020, 2024)}

    @cache
    def rate(self, year):
        return self.rates[year]


@app.get("/tariff/<int:customer>")
def tariff(customer):
    return {"rate": Tariff(customer).rate(2023)}
