"""A place in the heap is found again where what stands there is replaced all the time."""

from __future__ import annotations

import pytest

from pytest_reqleak.agent.following import follower


class Client:
    def __init__(self) -> None:
        self.hooks: dict[str, list[int]] = {"response": []}


class Slotted:
    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[int] = []


def test_list_that_is_made_anew_is_found_by_attribute_and_key():
    client = Client()
    again = follower([client, client.hooks, client.hooks["response"]])

    client.hooks = {"response": [1, 2, 3]}

    assert again is not None
    assert again() is client.hooks["response"]


def test_list_in_a_slot_is_found_again():
    box = Slotted()
    again = follower([box, box.rows])

    box.rows = [1]

    assert again is not None
    assert again() is box.rows


def test_way_that_has_ended_leads_to_nothing():
    client = Client()
    again = follower([client, client.hooks, client.hooks["response"]])

    client.hooks = {}

    assert again is not None
    assert again() is None


@pytest.mark.parametrize("base", [list, tuple])
def test_place_in_a_sequence_is_found_again(base):
    rows: list[object] = [[], []]
    outer = {"all": base(rows)}
    again = follower([outer, outer["all"], rows[1]])

    outer["all"] = base([[], [7]])

    assert again is not None
    assert [7] == again()


def test_key_that_may_run_code_of_the_app_is_not_looked_up():
    class Key(str):
        """Its hash could be anything."""

        def __hash__(self) -> int:
            return 1

    rows: list[int] = []

    assert follower([{Key("rows"): rows}, rows]) is None
