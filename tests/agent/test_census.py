"""What counts as a living object in memory; nothing of this process is read here."""

from __future__ import annotations

from array import array
from collections import Counter
from pathlib import Path

import pytest

from pytest_reqleak.agent import census

GIB = 1 << 30


class Thing:
    """A type whose objects are counted."""


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The map of a process whose memory is empty."""
    (tmp_path / "mem").write_bytes(b"")
    monkeypatch.setattr(census, "is_possible", lambda: True)
    monkeypatch.setattr(census, "_MEMORY", str(tmp_path / "mem"))
    monkeypatch.setattr(census, "_MAPS", str(tmp_path / "maps"))
    return tmp_path / "maps"


def test_only_a_count_of_references_above_zero_is_that_of_a_living_object(maps, monkeypatch):
    maps.write_bytes(b"")
    counts = array("Q", [0, 1, 7, (1 << 32) - 1, 1 << 32])
    kinds = array("Q", [id(Thing)] * len(counts))
    monkeypatch.setattr(census, "_pairs", lambda memory, heaps: iter([(counts, kinds)]))

    assert Counter({id(Thing): 3}) == census.count_objects()


def test_what_is_no_type_is_not_counted(maps, monkeypatch):
    maps.write_bytes(b"")
    pair = array("Q", [1]), array("Q", [id(maps)])
    monkeypatch.setattr(census, "_pairs", lambda memory, heaps: iter([pair]))

    assert Counter() == census.count_objects()


@pytest.mark.parametrize(("size", "counted"), [(GIB, True), (GIB + 4096, False)])
def test_nothing_is_counted_where_only_a_part_of_memory_could_be_read(maps, monkeypatch, size, counted):
    half = size // 2
    lines = [f"{begin:x}-{begin + half:x} rw-p 00000000 00:00 0" for begin in (0, 2 * GIB)]
    maps.write_text("\n".join([*lines, f"{4 * GIB:x}-{9 * GIB:x} r--p 00000000 00:00 0", ""]))
    monkeypatch.setattr(census, "_pairs", lambda memory, heaps: iter(()))

    assert counted == (census.count_objects() is not None)
