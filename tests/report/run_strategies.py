"""Any run that the model allows, for property tests."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from pytest_reqleak.model.finding import Caveat, Culprit, Frame, Growth, Holder, Site, TypeGrowth
from pytest_reqleak.model.meter import Cause, Meter, Phase, Verdict
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.model.sample import Samples
from pytest_reqleak.model.standing import Baselined, Ignored, Standing

# Surrogates too: a file's name that cannot be decoded holds them.
text = st.text(st.characters(codec=None), max_size=40)
number = st.floats(allow_nan=False, allow_infinity=False)
count = st.integers(0, 2**63)


def few(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, max_size=3).map(tuple)


frames = st.builds(Frame, file=text, line=count, function=text, code=text, own=st.booleans())
sites = st.builds(
    Site,
    bytes_per_iteration=number,
    blocks_per_iteration=number,
    category=text,
    frames=few(frames),
    remedy=text,
    inner=st.integers(0, 3),
)
growths = st.builds(
    Growth,
    meter=st.sampled_from(Meter),
    per_iteration=number,
    low=number | st.just(-math.inf),
    high=number | st.just(math.inf),
    grows=st.booleans(),
)
holders = st.builds(
    Holder, path=text, type=text, growth_per_iteration=number, size=count, bound=st.none() | count
)


baselines = st.builds(
    Baselined,
    standing=st.sampled_from(Standing),
    text=text,
    file=text,
    ignored=few(st.builds(Ignored, rule=text, reason=text, matched=text)),
)


@st.composite
def samples(draw: st.DrawFn) -> Samples:
    iterations = sorted(draw(st.lists(count, max_size=6)))
    size = len(iterations)

    def column(values: st.SearchStrategy) -> tuple:
        return tuple(draw(st.lists(values, min_size=size, max_size=size)))

    return Samples(
        iterations=tuple(iterations),
        seconds=column(number),
        phases=column(st.sampled_from(Phase)),
        readings={meter: column(st.integers(-5, 2**63)) for meter in draw(st.sets(st.sampled_from(Meter)))},
    )


runs = st.builds(
    Run,
    verdict=st.sampled_from(Verdict),
    reason=text,
    classification=few(st.sampled_from(Cause)),
    target=text,
    server=st.builds(ServerInfo, name=text, version=text, interface=text, pid=count),
    requests=few(text),
    iterations=count,
    batches=count,
    warmup_iterations=count,
    total_iterations=count,
    bytes_per_iteration=number,
    blocks_per_iteration=number,
    threshold=number,
    growth=few(growths),
    samples=samples(),
    sites=few(sites),
    explained=st.none() | number,
    types=few(st.builds(TypeGrowth, type=text, per_iteration=number)),
    holders=few(holders),
    culprits=few(st.builds(Culprit, request=text, bytes_per_iteration=number)),
    caveats=few(st.builds(Caveat, slug=text, text=text)),
    seconds=st.dictionaries(text, number, max_size=3),
    environment=st.dictionaries(text, text, max_size=3),
    test=text,
    baseline=st.none() | baselines,
)
