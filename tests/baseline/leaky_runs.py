"""Runs that leak a little, made by hand for the baseline's judgement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_reqleak.model.finding import Culprit, Frame, Growth, Holder, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.model.sample import Samples

HOME = "/home/ann/shop-service"


def site(place: str, size: float, *, line: int = 11) -> Site:
    """A site of the user's own, such as `shop/orders.py in keep`."""
    file, _, function = place.partition(" in ")
    path = file if file.startswith("/") else f"{HOME}/{file}"
    frame = Frame(file=path, line=line, function=function, code="", own=True)
    return Site(bytes_per_iteration=size, blocks_per_iteration=1.0, category="python", frames=(frame,))


def leak(*sites: Site, total: float | None = None, **changes: Any) -> Run:
    """A run that leaks what its sites add up to, unless `total` says otherwise."""
    size = sum(each.bytes_per_iteration for each in sites) if total is None else total
    run = Run(
        verdict=Verdict.LEAK,
        reason="it grows",
        classification=(Cause.PYTHON,),
        target="shop.main:app",
        server=ServerInfo(name="direct", version="", interface="asgi", pid=1),
        requests=("GET /orders/{i}",),
        iterations=2000,
        batches=50,
        warmup_iterations=200,
        total_iterations=4000,
        bytes_per_iteration=size,
        blocks_per_iteration=1.0,
        threshold=0.05,
        growth=(growth(Meter.LIVE_BLOCKS, 1.0),),
        samples=Samples(iterations=(), seconds=(), phases=()),
        sites=sites,
        explained=1.0 if sites else None,
    )
    return replace(run, **changes)


def clean(**changes: Any) -> Run:
    return leak(total=0.0, **{"verdict": Verdict.CLEAN, "growth": (), **changes})


def growth(meter: Meter, rate: float, *, grows: bool = True) -> Growth:
    return Growth(meter=meter, per_iteration=rate, low=rate, high=rate, grows=grows)


def holder(path: str, rate: float = 1.0, *, entry: str = "") -> Holder:
    return Holder(path=path, type="list", growth_per_iteration=rate, size=100, entry=entry)


def kind(name: str, rate: float = 1.0) -> TypeGrowth:
    return TypeGrowth(type=name, per_iteration=rate)


def culprit(request: str, size: float) -> Culprit:
    return Culprit(request=request, bytes_per_iteration=size)
