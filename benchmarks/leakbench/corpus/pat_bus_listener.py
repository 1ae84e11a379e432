"""Each request subscribes a bound method to an event bus and forgets to unsubscribe."""

from fastapi import FastAPI

CASE = {
    "name": "pat_bus_listener",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/checkout/{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "site": "Checkout",
    "holder": "Bus.listeners of module global BUS",
    "approx_bytes_per_request": 558.7,
}

app = FastAPI()


class Bus:
    def __init__(self):
        self.listeners = {}

    def subscribe(self, topic, listener):
        self.listeners.setdefault(topic, []).append(listener)


BUS = Bus()


class Checkout:
    def __init__(self, order):
        self.order = order
        self.lines = [f"{order}-{line}" for line in range(3)]
        BUS.subscribe("price-changed", self.reprice)

    def reprice(self, event):
        self.lines = [event]


@app.get("/checkout/{order}")
async def checkout(order: int):
    return {"lines": Checkout(order).lines}
