"""Runs as the tool would give them, made by hand: the same on every machine.

Their files lie in a folder that exists nowhere, so a golden file reads the same
in every checkout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from pytest_reqleak.model.finding import Caveat, Culprit, Frame, Growth, Holder, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Phase, Verdict
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.model.sample import Samples
from pytest_reqleak.model.standing import Baselined, Ignored, Standing

HOME = "/home/ann/shop-service"
LIBRARIES = f"{HOME}/.venv/lib/python3.11/site-packages"

STAGES = (
    (Phase.WARMUP, 5, 40),
    (Phase.MEASURE, 51, 40),
    (Phase.CONFIRM, 25, 40),
    (Phase.TRACE, 5, 60),
    (Phase.REPLAY, 8, 25),
    (Phase.CONFIRM, 25, 40),
)
"""Phase, samples, and iterations between two of them."""

WARMUP_ITERATIONS = 200
ITERATIONS = 2000


def samples_of(
    *,
    blocks: float = 0.0,
    bytes_: float = 0.0,
    stages: tuple[tuple[Phase, int, int], ...] = STAGES,
    wobble: Callable[[int], float] = lambda n: 0.0,
    **others: float,
) -> Samples:
    """Readings that rise by so many blocks, bytes and other counts per iteration.

    Warm-up adds what imports and caches take; tracing adds the tracer's tables to
    the heap; the resident memory follows the heap in steps of pages.
    """
    iterations: list[int] = []
    phases: list[Phase] = []
    seconds: list[float] = []
    done = 0
    for phase, count, step in stages:
        for _ in range(count):
            done += step
            iterations.append(done)
            phases.append(phase)
            seconds.append(round(0.15 + done * 0.0004, 4))
    warm = [1 - math.exp(-x / 20) for x in iterations]
    noise = [wobble(n) for n in range(len(iterations))]
    tables = [1_400_000 if phase is Phase.TRACE else 0 for phase in phases]
    heap = [
        int(41_000_000 + 2_200_000 * cold + bytes_ * x + 900 * shake + table)
        for x, cold, shake, table in zip(iterations, warm, noise, tables, strict=True)
    ]
    readings: dict[Meter, tuple[int, ...]] = {
        Meter.LIVE_BLOCKS: tuple(
            int(240_000 + 21_000 * cold + blocks * x + 3 * shake)
            for x, cold, shake in zip(iterations, warm, noise, strict=True)
        ),
        Meter.HEAP_BYTES: tuple(heap),
        Meter.GC_OBJECTS: tuple(int(blocks / 3 * max(0, x - WARMUP_ITERATIONS)) for x in iterations),
        Meter.RSS_BYTES: tuple(
            int(size + 18_000_000 + others.get("rss", 0) * x) // 262_144 * 262_144
            for size, x in zip(heap, iterations, strict=True)
        ),
        Meter.DESCRIPTORS: tuple(11 + int(others.get("descriptors", 0) * x) for x in iterations),
        Meter.THREADS: tuple(3 + int(others.get("threads", 0) * x) for x in iterations),
        Meter.TASKS: tuple(int(others.get("tasks", 0) * x) for x in iterations),
    }
    return Samples(
        iterations=tuple(iterations), seconds=tuple(seconds), phases=tuple(phases), readings=readings
    )


def growths_of(**measured: tuple[float, float] | tuple[float, float, bool]) -> tuple[Growth, ...]:
    """A growth per meter: rate, margin, and whether it grows; the meters that are not named are flat."""
    growths = []
    for meter in Meter:
        rate, margin, *grows = measured.get(meter.value, (0.0, 0.002, False))
        growths.append(
            Growth(
                meter=meter,
                per_iteration=rate,
                low=rate - margin,
                high=rate + margin,
                grows=grows[0] if grows else True,
            )
        )
    return tuple(growth for growth in growths if growth.meter is not Meter.CYCLIC_GARBAGE)


def frame(file: str, line: int, function: str, code: str = "", *, own: bool = False) -> Frame:
    """A frame in the shop, or in a library where it is not `own`."""
    return Frame(
        file=f"{HOME if own else LIBRARIES}/{file}", line=line, function=function, code=code, own=own
    )


SERVER = ServerInfo(name="bundled", version="0.1.0", interface="asgi", pid=4711)
SECONDS = {"boot": 0.15, "warmup": 0.08, "measure": 0.8, "confirm": 0.8, "trace": 0.7}
ENVIRONMENT = {
    "python": "CPython 3.11.7",
    "platform": "Linux 6.1 x86_64",
    "fastapi": "0.115.0",
    "pydantic": "2.10.1",
}


def clean_run() -> Run:
    """Nothing grows; the readings shake by a few blocks."""
    return Run(
        verdict=Verdict.CLEAN,
        reason="No meter grows by more than its noise.",
        target="shop.main:app",
        server=SERVER,
        requests=("GET /orders/{i}",),
        iterations=ITERATIONS,
        batches=50,
        warmup_iterations=WARMUP_ITERATIONS,
        total_iterations=2200,
        bytes_per_iteration=0.0,
        blocks_per_iteration=0.0,
        threshold=0.05,
        growth=growths_of(),
        samples=samples_of(stages=STAGES[:2], wobble=lambda n: (n * 7) % 5 - 2),
        seconds={"boot": 0.15, "warmup": 0.08, "measure": 0.8},
        environment=ENVIRONMENT,
    )


def pydantic_run() -> Run:
    """Every request appends a Pydantic model to a module's list."""
    return Run(
        verdict=Verdict.LEAK,
        reason="Live blocks and the heap grow steadily, with fresh inputs and with repeated ones.",
        classification=(Cause.PYTHON,),
        target="shop.main:app",
        server=SERVER,
        requests=("POST /orders", "GET /orders/{i}"),
        iterations=ITERATIONS,
        batches=50,
        warmup_iterations=WARMUP_ITERATIONS,
        total_iterations=4700,
        bytes_per_iteration=553.2,
        blocks_per_iteration=6.0,
        threshold=0.05,
        growth=growths_of(
            live_blocks=(6.0, 0.01),
            heap_bytes=(553.2, 1.9),
            gc_objects=(2.0, 0.0),
            rss_bytes=(560.0, 240.0, False),
        ),
        samples=samples_of(blocks=6.0, bytes_=553.2, wobble=lambda n: (n * 7) % 5 - 2),
        sites=(
            Site(
                bytes_per_iteration=352.0,
                blocks_per_iteration=4.0,
                category="pydantic model",
                frames=(
                    frame("shop/orders.py", 11, "keep", "RECENT.append(Order(**fields))", own=True),
                    frame(
                        "pydantic/main.py", 214, "__init__", "validated_self = self.__pydantic_validator__"
                    ),
                    frame("shop/main.py", 33, "post_order", "order = keep(await request.json())", own=True),
                    frame(
                        "fastapi/routing.py",
                        212,
                        "run_endpoint_function",
                        "return await dependant.call(**values)",
                    ),
                    frame("starlette/routing.py", 73, "app", "response = await f(request)"),
                ),
                remedy="Keep the order's id rather than the model, or bound the list with deque(maxlen=...).",
                inner=1,
            ),
            Site(
                bytes_per_iteration=190.5,
                blocks_per_iteration=2.0,
                category="python",
                frames=(
                    frame("shop/signing.py", 27, "sign", "SEEN[key] = digest", own=True),
                    frame("shop/main.py", 35, "post_order", "sign(order)", own=True),
                ),
            ),
        ),
        explained=0.98,
        types=(
            TypeGrowth(type="shop.models.Order", per_iteration=1.0),
            TypeGrowth(type="dict", per_iteration=1.0),
        ),
        holders=(
            Holder(path="shop.orders.RECENT", type="list", growth_per_iteration=1.0, size=4700),
            Holder(path="shop.signing.SEEN['v1']", type="dict", growth_per_iteration=0.5, size=2350),
        ),
        culprits=(
            Culprit(request="POST /orders", bytes_per_iteration=1106.4),
            Culprit(request="GET /orders/{i}", bytes_per_iteration=0.0),
        ),
        caveats=(
            Caveat(
                slug="warm-up-cut", text="Warm-up was cut after 200 iterations: growth was already steady."
            ),
        ),
        seconds=SECONDS,
        environment=ENVIRONMENT,
    )


def known_run() -> Run:
    """The same leak, measured by a test, where a baseline knows it."""
    return replace(
        pydantic_run(),
        test="tests/test_shop.py::test_orders",
        baseline=Baselined(
            standing=Standing.KNOWN,
            text="553 B/request, as known (553 B/request, tolerance 20 %)",
            file="reqleak-baseline.json",
            ignored=(
                Ignored(
                    rule="site shop/signing.py in sign",
                    reason="goes away with the old signer",
                    matched="shop/signing.py in sign, 190 B/request",
                ),
            ),
        ),
    )


def native_run() -> Run:
    """A C library keeps a buffer per request; Python sees nothing of it."""
    return replace(
        pydantic_run(),
        reason="The heap grows steadily while live blocks do not.",
        classification=(Cause.NATIVE,),
        requests=("POST /thumbnails",),
        bytes_per_iteration=2211.0,
        blocks_per_iteration=0.0,
        growth=growths_of(heap_bytes=(2211.0, 24.0), rss_bytes=(2304.0, 210.0)),
        samples=samples_of(bytes_=2211.0),
        sites=(),
        explained=0.02,
        types=(),
        holders=(),
        culprits=(),
        caveats=(),
    )


def threads_run() -> Run:
    """Each request starts a thread that never ends."""
    return replace(
        pydantic_run(),
        reason="Threads grow by one with each iteration.",
        classification=(Cause.RESOURCE,),
        target="tests/test_mail.py::test_sending_mail_leaves_nothing_behind",
        server=ServerInfo(name="direct", version="", interface="body", pid=4711),
        requests=(),
        bytes_per_iteration=9812.0,
        blocks_per_iteration=31.0,
        growth=growths_of(
            threads=(1.0, 0.0),
            live_blocks=(31.0, 0.4),
            heap_bytes=(9812.0, 40.0),
            gc_objects=(10.3, 0.2),
            rss_bytes=(9790.0, 300.0),
        ),
        samples=samples_of(blocks=31.0, bytes_=9812.0, threads=1.0),
        sites=(
            Site(
                bytes_per_iteration=9700.0,
                blocks_per_iteration=30.0,
                category="thread",
                frames=(
                    frame(
                        "shop/mail.py", 40, "send", "Thread(target=deliver, args=(mail,)).start()", own=True
                    ),
                    Frame(
                        file="/usr/lib/python3.11/threading.py",
                        line=957,
                        function="start",
                        code="",
                        own=False,
                    ),
                ),
                inner=1,
            ),
        ),
        explained=0.99,
        types=(TypeGrowth(type="threading.Thread", per_iteration=1.0),),
        holders=(Holder(path="threading._active", type="dict", growth_per_iteration=1.0, size=4703),),
        culprits=(),
        caveats=(),
    )


def bounded_run() -> Run:
    """An lru_cache that is not full yet."""
    return replace(
        pydantic_run(),
        verdict=Verdict.INCONCLUSIVE,
        reason="What grows is held by shop.prices.price_of, a cache of 10,000 entries that is not full yet.",
        classification=(Cause.PYTHON, Cause.BOUNDED),
        requests=("GET /prices/{i}",),
        bytes_per_iteration=176.0,
        blocks_per_iteration=3.0,
        growth=growths_of(
            live_blocks=(3.0, 0.0),
            heap_bytes=(176.0, 0.8),
            gc_objects=(1.0, 0.0),
            rss_bytes=(170.0, 180.0, False),
        ),
        samples=samples_of(blocks=3.0, bytes_=176.0),
        sites=(
            Site(
                bytes_per_iteration=176.0,
                blocks_per_iteration=3.0,
                category="functools cache",
                frames=(frame("shop/prices.py", 9, "get_price", "return price_of(sku)", own=True),),
            ),
        ),
        explained=1.0,
        types=(),
        holders=(
            Holder(
                path="shop.prices.price_of",
                type="functools._lru_cache_wrapper",
                growth_per_iteration=1.0,
                size=4700,
                bound=10_000,
            ),
        ),
        culprits=(),
        caveats=(
            Caveat(slug="replay-stopped", text="The growth stopped when the same inputs were sent again."),
        ),
    )


def inconclusive_run() -> Run:
    """Growth that slows down, and no evidence yet."""
    return replace(
        clean_run(),
        verdict=Verdict.INCONCLUSIVE,
        reason="The heap grows, but ever more slowly.",
        growth=(
            Growth(meter=Meter.LIVE_BLOCKS, per_iteration=0.2, low=-0.1, high=0.5, grows=False),
            Growth(meter=Meter.HEAP_BYTES, per_iteration=31.0, low=-math.inf, high=64.0, grows=False),
        ),
        bytes_per_iteration=0.0,
        samples=samples_of(blocks=0.2, bytes_=31.0, stages=STAGES[:3], wobble=lambda n: 40 * math.sqrt(n)),
        caveats=(
            Caveat(
                slug="out-of-time", text="The run ended after 30 s, before it was certain (option timeout)."
            ),
        ),
    )


def rare_run() -> Run:
    """One small object in 250 requests: the smallest leak that we promise to find."""
    return replace(
        pydantic_run(),
        requests=("GET /orders/{i}",),
        bytes_per_iteration=0.26,
        blocks_per_iteration=0.004,
        growth=growths_of(live_blocks=(0.004, 0.0002)),
        samples=samples_of(blocks=0.004),
        sites=(),
        explained=None,
        types=(),
        holders=(),
        culprits=(),
        caveats=(),
    )


def allocator_run() -> Run:
    """The resident memory rises while live memory does not."""
    return replace(
        native_run(),
        reason="Resident memory grows while live memory does not.",
        classification=(Cause.ALLOCATOR,),
        growth=growths_of(rss_bytes=(2304.0, 210.0)),
        bytes_per_iteration=2304.0,
        samples=samples_of(rss=2304.0),
        explained=None,
    )


def hostile_run() -> Run:
    """Names that would break a page, a terminal or a file, each as an app may hold them."""
    evil = "<script>alert(1)</script>\"'&\x1b[2J\x1b]0;owned\x07\u202egnp.\udc80\n{{ 7*7 }}"
    return replace(
        pydantic_run(),
        reason=evil,
        target=evil,
        requests=(evil, f"GET /{'x' * 3000}"),
        sites=(
            Site(
                bytes_per_iteration=1e15,
                blocks_per_iteration=1e-9,
                category=evil,
                frames=(
                    Frame(file=evil, line=0, function=evil, code=evil, own=True),
                    Frame(file="<string>", line=10**9, function="", code="", own=False),
                ),
                remedy=evil,
            ),
            Site(bytes_per_iteration=-3.0, blocks_per_iteration=0.0, category="", frames=()),
        ),
        types=(TypeGrowth(type=evil, per_iteration=1e-12), TypeGrowth(type="目" * 200, per_iteration=2.5)),
        holders=(Holder(path=evil * 20, type=evil, growth_per_iteration=1.0, size=0, bound=0),),
        culprits=(Culprit(request=evil, bytes_per_iteration=1.0),),
        caveats=(Caveat(slug=evil, text=evil),),
        environment={evil: evil},
        seconds={evil: 1.0},
    )


def bare_run() -> Run:
    """A leak of which nothing but the verdict is known."""
    return Run(
        verdict=Verdict.LEAK,
        reason="It grows.",
        target="",
        server=ServerInfo(name="", version="", interface="", pid=0),
        iterations=0,
        batches=0,
        warmup_iterations=0,
        total_iterations=0,
        bytes_per_iteration=0.0,
        blocks_per_iteration=0.0,
        threshold=0.0,
        samples=Samples(iterations=(), seconds=(), phases=()),
    )


RUNS: dict[str, Callable[[], Run]] = {
    "clean": clean_run,
    "pydantic": pydantic_run,
    "native": native_run,
    "threads": threads_run,
    "bounded": bounded_run,
    "inconclusive": inconclusive_run,
    "rare": rare_run,
    "allocator": allocator_run,
    "known": known_run,
}
"""Those whose reports are golden."""

EVERY_RUN: dict[str, Callable[[], Run]] = {**RUNS, "hostile": hostile_run, "bare": bare_run}
