"""FastAPI with models, dependencies, a router, background tasks and a 404 in four."""

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from pydantic import BaseModel

CASE = {
    "name": "clean_fastapi_shop",
    "interface": "asgi",
    "expected": "clean",
    "kind": "framework",
    "python": "3.12",
    "requests": [
        {"method": "POST", "path": "/shop/order?token=t{i}", "json": {"item": "chair {i}", "amount": 2}},
        {"path": "/shop/item/table{i}"},
        {"method": "POST", "path": "/shop/order", "json": {"amount": "x{i}"}},
        {"path": "/shop/item/no{i}"},
    ],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
}

app = FastAPI()
router = APIRouter(prefix="/shop")
SOLD = {"count": 0}


class Order(BaseModel):
    item: str
    amount: int = 1


def user(token: str = "none"):
    yield {"token": token}


def count(amount):
    SOLD["count"] = (SOLD["count"] + amount) % 1000


@router.post("/order")
async def order(order: Order, tasks: BackgroundTasks, who: dict = Depends(user)):
    tasks.add_task(count, order.amount)
    return {"order": order, "by": who["token"]}


@router.get("/item/{name}")
def item(name: str):
    if name.startswith("no"):
        raise HTTPException(404, name)
    return {"item": name}


app.include_router(router)
