"""What a page shows and what is printed now are compared by what must not change."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from page_telling import missing_lines, telling

REPORT = """\
LEAK: each request leaves 365 B (6.0 blocks) behind
  live blocks rise by 6.0 per request, steadily over 4,800 requests
  500 requests of POST /cart/{i} (shop.py:app, bundled, 9.4 s)

  live blocks  +6.0/request  ▁▂▃▄▅▆▇█  180,918 → 209,694
  gc objects   +1.0/request  ▁▂▃▄▅▆▇█  366 → 5,180

What kind
  native 512 B: the C heap rises by 512 B per request, for no Python object

Allocated at (100 % of the growth)
  269 B  4.0 blocks  74 %  pydantic model
    shop.py:14 in add
        cart = CARTS.setdefault(name, [])
    flask/app.py:902 in Flask.dispatch_request

Held by
  shop.CARTS: dict, 5,000 now, +1.0 per request, no bound known

Objects that stay (per request)
  +1.0  shop.Cart
  +1.0  str

What to do next
  1. Give shop.CARTS a bound.
"""
SESSION = """\
LEAK: each iteration leaves 183 B (2.0 blocks) behind: test_cart.py:6 in test_a
test_cart.py:4: MemoryGrowth
verdict  per iteration  test                   allocated at
leak             183 B  test_cart.py::test_a
and 3 more that are clean; -v shows them
FAILED test_cart.py::test_a - MemoryGrowth: each iteration leaves 183 B (2.0 blocks)
1 failed, 3 passed in 28.50s
"""
COMPARED = """\
server         verdict  per request  python  RSS  from  to  req/s
bundled        leak           144 B   144 B  ▁▂  26.4 MiB    29 MiB  1,715
granian 2.8.7  clean            0 B          ▁▁  30.4 MiB  33.8 MiB  1,557

It is the app: each request leaves 144 B behind on bundled.
"""
KNOWN = """\
KNOWN LEAK: each request leaves 49.5 B (1.0 block) behind: shop.py:7 in app
  known-leaks.json: 49.5 B/request, as known (45 B/request, tolerance 20 %)
  ignored: shop.TRAIL (holder shop.TRAIL: kept until the nightly export)
exit code 0
"""
DOCUMENT = '{"known": {"shop.py:app": {"bytes_per_iteration": 45, "ignore": []}}}'


@pytest.mark.parametrize(
    ("output", "old", "new"),
    [
        (REPORT, "LEAK:", "CLEAN:"),
        (REPORT, "500 requests of POST /cart", "600 requests of POST /cart"),
        (REPORT, "bundled, 9.4 s", "direct, 9.4 s"),
        (REPORT, "live blocks  +", "heap bytes  +"),
        (REPORT, "native 512 B:", "mapped 512 B:"),
        (REPORT, "pydantic model", "hmac"),
        (REPORT, "shop.py:14", "shop.py:15"),
        (REPORT, "CARTS.setdefault", "CARTS.get"),
        (REPORT, "shop.CARTS: dict", "shop.BASKETS: dict"),
        (REPORT, "shop.Cart\n", "shop.Basket\n"),
        (REPORT, "1. Give shop.CARTS a bound.", "1. Upgrade the library."),
        (REPORT, "Held by", "Kept by"),
        (SESSION, "test_cart.py:4:", "test_cart.py:5:"),
        (SESSION, "FAILED test_cart.py::test_a", "FAILED test_cart.py::test_b"),
        (SESSION, "allocated at", "line"),
        (SESSION, "leak             183 B", "clean            183 B"),
        (SESSION, "are clean", "are inconclusive"),
        (SESSION, "1 failed", "2 failed"),
        (COMPARED, "granian 2.8.7  clean", "granian 2.8.7  leak"),
        (COMPARED, "It is the app", "It is the server"),
        (COMPARED, "RSS", "memory"),
        (KNOWN, "as known", "more than known"),
        (KNOWN, "exit code 0", "exit code 1"),
        (KNOWN, "nightly export", "weekly export"),
        (DOCUMENT, "shop.py:app", "shop.py:make"),
    ],
)
def test_what_must_not_change_is_missed(output, old, new):
    assert old in output

    assert [] != missing_lines(output, output.replace(old, new), ("shop.py", "test_cart.py"))


@pytest.mark.parametrize(
    ("output", "old", "new"),
    [
        (REPORT, "365 B (6.0 blocks)", "381 B (7.0 blocks)"),
        (REPORT, "9.4 s", "1 min 03 s"),
        (REPORT, "flask/app.py:902", "flask/app.py:917"),
        (REPORT, "5,000 now", "4,285 now"),
        (REPORT, "180,918", "190,918"),
        (SESSION, "183 B", "190 B"),
        (SESSION, "28.50s", "8.50s"),
        (COMPARED, "granian 2.8.7", "granian 2.9.0"),
        (COMPARED, "1,715", "892"),
        (KNOWN, "49.5 B", "45 B"),
        (DOCUMENT, "45", "49.5"),
    ],
)
def test_what_moves_from_run_to_run_is_left_out(output, old, new):
    assert old in output

    assert [] == missing_lines(output, output.replace(old, new), ("shop.py", "test_cart.py"))


def test_names_made_at_random_are_alike():
    held = "  shop.CARTS['3a5ed350de498429']: list, 300 now"

    assert ["shop.CARTS['#']"] == telling(held, ())
