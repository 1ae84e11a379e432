"""Builds a model class for each form and keeps it by the form's name."""

from fastapi import FastAPI
from pydantic import create_model

CASE = {
    "name": "pat_model_per_form",
    "interface": "asgi",
    "expected": "leak",
    "kind": "python-classes",
    "python": "3.12",
    "requests": [{"path": "/form/{i}"}],
    "needs": ["fastapi==0.115.6", "pydantic==2.10.4"],
    "source": "pattern",
    "site": "form_model",
    "holder": "module global FORMS",
    "approx_bytes_per_request": 15741.3,
    "verify_n": 800,
}

app = FastAPI()
FORMS = {}


def form_model(name):
    if name not in FORMS:
        FORMS[name] = create_model(f"Form{name}", title=(str, ...), pages=(int, 1))
    return FORMS[name]


@app.get("/form/{name}")
async def form(name: str):
    return form_model(name)(title=name)
