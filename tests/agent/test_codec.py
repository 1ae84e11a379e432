"""What crosses the channel arrives as it was, and nothing else crosses."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.agent.codec import NotCodable, decode, encode
from pytest_reqleak.model.finding import Holder, TypeGrowth
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.raw import RawSite

texts = st.text(max_size=20)
rates = st.floats(allow_nan=False)
sites = st.builds(
    RawSite,
    frames=st.lists(st.tuples(texts, st.integers(0), texts), max_size=3).map(tuple),
    bytes_per_iteration=rates,
    blocks_per_iteration=rates,
)
holders = st.builds(
    Holder,
    path=texts,
    type=texts,
    growth_per_iteration=rates,
    size=st.integers(0),
    bound=st.none() | st.integers(0),
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | rates
    | texts
    | st.sampled_from(Meter)
    | st.sampled_from(Phase)
    | sites
    | holders
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(texts | st.sampled_from(Meter), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(values)
def test_a_value_arrives_as_it_was(value):
    arrived = decode(json.loads(json.dumps(encode(value))))

    assert value == arrived
    assert type(value) is type(arrived)


def test_infinity_arrives():
    assert math.inf == decode(json.loads(json.dumps(encode(math.inf))))


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, b"bytes", 1j, print, TypeGrowth],
    ids=["object", "set", "bytes", "complex", "function", "class"],
)
def test_what_is_no_value_of_ours_is_not_sent(value):
    with pytest.raises(NotCodable, match="cannot cross the channel"):
        encode(value)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "Popen", "fields": {}},
        {"kind": "Holder", "fields": {"path": "a"}},
        {"kind": "Holder", "fields": {"path": "a", "unknown": 1}},
        {"kind": "Holder", "fields": None},
        {"kind": "Holder"},
        {"kind": ["Holder"], "fields": {}},
        {"kind": "Meter", "word": "wealth"},
        {"kind": "Meter", "fields": {}},
        {"pairs": [[1]]},
        {"pairs": 7},
        {"pairs": [[{"pairs": []}, 1]]},
    ],
    ids=json.dumps,
)
def test_a_message_that_is_no_value_of_ours_is_refused(message):
    with pytest.raises(NotCodable):
        decode(message)
