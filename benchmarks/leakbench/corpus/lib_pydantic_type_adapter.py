"""Makes a TypeAdapter of a recursive model in the handler; its cycles through Rust are not collected."""

from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter

CASE = {
    "name": "lib_pydantic_type_adapter",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-native-rust",
    "python": "3.12",
    "requests": [{"path": "/tree/{i}"}],
    "needs": ["fastapi==0.109.0", "pydantic==2.5.2"],
    "fixed_needs": ["fastapi==0.109.0", "pydantic==2.5.3"],
    "source": "pydantic/pydantic#8397",
    "site": "read_tree",
    "holder": "native: reference cycle through Rust validators",
    "approx_bytes_per_request": 9801.0,
    "verify_n": 1000,
}
app = FastAPI()


class Label(BaseModel):
    text: str


class Node(BaseModel):
    children: list["Node"]
    label: Label


def read_tree(raw):
    return TypeAdapter(list[Node]).validate_python(raw)


@app.get("/tree/{number}")
async def tree(number: int):
    nodes = read_tree([{"children": [], "label": {"text": f"node {number}"}}])
    return {"nodes": len(nodes)}
