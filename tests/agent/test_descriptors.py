"""Open descriptors, grouped by what they are."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from pytest_reqleak.agent.descriptors import lowest_free, open_descriptors

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")


def test_files_that_differ_by_number_are_one_kind(tmp_path):
    before = open_descriptors()
    files = [(tmp_path / f"report-{n}.csv").open("w") for n in range(3)]
    grown = open_descriptors() - before
    for file in files:
        file.close()

    assert [3] == [count for kind, count in grown.items() if kind.endswith("/report-*.csv")]


def test_one_file_that_is_opened_again_and_again_keeps_its_name(tmp_path):
    path = tmp_path / "report-2026.csv"
    path.touch()
    before = open_descriptors()
    files = [path.open() for _ in range(3)]
    grown = open_descriptors() - before
    for file in files:
        file.close()

    assert {f"file {path}": 3} == grown


def test_connections_to_one_port_are_one_kind():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        before = open_descriptors()
        ends = [
            end
            for _ in range(2)
            for end in (socket.create_connection(("127.0.0.1", port)), server.accept()[0])
        ]
        grown = open_descriptors() - before
        for end in ends:
            end.close()

    assert 4 == sum(grown.values())
    assert all(str(port) in kind and "(established)" in kind for kind in grown)


def test_pipes_are_a_kind_of_their_own():
    before = open_descriptors()
    ends = os.pipe()
    grown = open_descriptors() - before
    for end in ends:
        os.close(end)

    assert 2 == grown["pipe"]


def test_lowest_free_number_rises_with_a_descriptor_that_stays_open():
    before = lowest_free()
    kept = os.open(os.devnull, os.O_RDONLY)
    after = lowest_free()
    os.close(kept)

    assert before == kept
    assert after > before
    assert before == lowest_free()
