"""Texts that get longer are found where they hang, though each is another object than the one before."""

from __future__ import annotations

import pytest

SEARCH = """
import shop
from pytest_reqleak.agent.holders import HolderSearch

for i in range(100):
    shop.request(i)
search = HolderSearch()
search.mark(texts=True)
for i in range(100, 300):
    shop.request(i)
holders = search.grown(200)
before = search.held.gauges and dict((path, read()) for path, read in search.held.gauges.items())
shop.request(300)
after = {path: read() for path, read in search.held.gauges.items()}
say([[[h.path, h.type, h.growth_per_iteration] for h in holders], before, after])
"""

LINE = "'0123456789'"
GROWING = {
    "of an attribute": (
        f"class Log: text = ''\nLOG = Log()\ndef request(i): LOG.text += {LINE}",
        ["shop.LOG.text", "str", 10.0],
    ),
    "that is a global": (
        f"TEXT = b''\ndef request(i):\n  global TEXT\n  TEXT += b{LINE}",
        ["shop.TEXT", "bytes", 10.0],
    ),
    "in a dict that the collector does not list": (
        f"LAST = {{'log': ''}}\ndef request(i): LAST['log'] += {LINE}",
        ["shop.LAST['log']", "str", 10.0],
    ),
    "in a list": (
        f"PARTS = ['', 0]\ndef request(i): PARTS[0] += {LINE}",
        ["shop.PARTS[0]", "str", 10.0],
    ),
    "that is an array of numpy": (
        "import numpy\nclass Station: seen = numpy.zeros(0)\n"
        "def request(i): Station.seen = numpy.append(Station.seen, float(i))",
        ["shop.Station.seen", "numpy.ndarray", 8.0],
    ),
    "that is a number": (
        "N = {'bits': 1}\ndef request(i): N['bits'] <<= 300",
        ["shop.N['bits']", "int", 40.0],
    ),
}


@pytest.mark.parametrize("name", GROWING)
def test_a_text_that_grows_is_named_and_its_length_is_read_again(child, name):
    source, (path, kind, rate) = GROWING[name]

    (first, *_), before, after = child(SEARCH, shop=source)

    assert [path, kind, rate] == first
    assert rate == after[path] - before[path]


@pytest.mark.parametrize(
    "source",
    [
        "LAST = {'body': b''}\ndef request(i): LAST['body'] = bytes(5000)",
        "class Ring: text = ''\nRING = Ring()\ndef request(i): RING.text = (RING.text + 'x' * 50)[-2000:]",
        "N = {'hash': 1}\ndef request(i): N['hash'] = (N['hash'] * 31 + 7) % (1 << 9000) | 1 << 9001",
    ],
)
def test_a_text_that_is_replaced_by_one_as_long_is_not_named(child, source):
    assert [] == child(SEARCH, shop=source)[0]


def test_where_more_and_more_texts_are_kept_their_container_is_named(child):
    source = "TEXTS = []\ndef request(i): TEXTS.append('x' * (1000 + i))"

    assert [["shop.TEXTS", "list", 1.0]] == child(SEARCH, shop=source)[0]


def test_what_was_found_is_not_kept_alive(child):
    search = """
import sys
import shop
from pytest_reqleak.agent.holders import HolderSearch
shop.request(0)
search = HolderSearch()
search.mark(texts=True)
shop.request(1)
search.grown(1)
say(sys.getrefcount(shop.LOG.text))
"""
    source = "class Log: text = ''\nLOG = Log()\ndef request(i): LOG.text += 'x' * 10_000"

    assert 2 == child(search, shop=source)
