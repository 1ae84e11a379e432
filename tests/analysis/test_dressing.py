"""Holders are completed: source lines, who adds, which input keys them."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis.dressing import Input, dressed, keyed
from pytest_reqleak.model.finding import Holder
from pytest_reqleak.model.raw import RawLine, bare_frames


def holder(path: str = "shop.SEEN", **fields: object) -> Holder:
    return Holder(**{"path": path, "type": "dict", "growth_per_iteration": 1.0, "size": 9, **fields})


@pytest.fixture
def shop(tmp_path):
    file = tmp_path / "shop.py"
    file.write_text("SEEN = {}\ndef keep(i):\n    SEEN[i] = i\ndef view(i):\n    keep(i)\n")
    return str(file)


def test_line_that_adds_comes_with_its_source(shop):
    line = RawLine(gauge="shop.SEEN", frames=((shop, 3, "keep"), (shop, 5, "view")), share=1.0)

    (found,) = dressed([holder()], [line])

    assert [("keep", "SEEN[i] = i", True), ("view", "keep(i)", True)] == [
        (frame.function, frame.code, frame.own) for frame in found.frames
    ]


def test_users_own_line_comes_before_the_librarys(shop):
    library = "/env/lib/python3.11/site-packages/shelf/store.py"
    line = RawLine(gauge="shop.SEEN", frames=((library, 7, "put"), (shop, 5, "view")), share=1.0)

    (found,) = dressed([holder()], [line])

    assert ["view", "put"] == [frame.function for frame in found.frames]


def test_frames_that_the_agent_knows_are_kept_where_no_line_was_watched(shop):
    found = dressed([holder("tasks running x", frames=bare_frames([(shop, 5, "view")]))])

    assert ["keep(i)"] == [frame.code for frame in found[0].frames]


def test_holder_without_lines_stays_as_it_is(shop):
    assert (holder(),) == dressed([holder()], [RawLine(gauge="other", frames=((shop, 3, ""),), share=1.0)])


INPUTS = [
    Input(title="GET /a/{i}", parts=("the path",)),
    Input(title="POST /b", parts=("the body", "header X")),
]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("'/a/192'", "'/a/194'"), "the path of GET /a/{i}"),
        (("'user-191'",), "the body or header X of POST /b"),
        (("('/a', 192)", "'user-193'"), "the path of GET /a/{i}, or the body or header X of POST /b"),
        (("'/a/7'",), ""),
        (("'/a/192'", "<Order>"), ""),
        ((), ""),
    ],
)
def test_number_of_an_iteration_in_a_key_says_which_input_made_it(keys, told):
    (found,) = keyed([holder(keys=keys)], INPUTS, first=100, last=200)

    assert told == found.keyed_by


def test_a_count_of_entries_that_lags_behind_the_inputs_is_no_input():
    assert "" == keyed([holder(keys=("130", "131"))], INPUTS[:1], first=100, last=1000)[0].keyed_by


def test_members_of_a_set_come_in_no_order():
    (found,) = keyed([holder(keys=("'/a/102'",), type="set")], INPUTS, first=100, last=1000)

    assert "the path of GET /a/{i}" == found.keyed_by
