"""What the harness orders between two stages leaves no trace in the readings of a worker."""

from __future__ import annotations

import http.client
import sys
from urllib.parse import urlsplit

import pytest

from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.servers.external import boot_external

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need a POSIX system")

ORDERS = {
    "nothing": (),
    "a reading of the trimmed RSS": ("trimmed_rss",),
    "several": ("trimmed_rss", "free_bytes"),
}


def test_a_stage_begins_where_the_last_one_ended():
    with boot_external("tests.apps.clean_empty:app", server="bundled", interface="asgi", timeout=30) as app:
        agent = app.make_agent()
        client = http.client.HTTPConnection(urlsplit(app.url).netloc, timeout=10)
        done = 0

        def batch():
            nonlocal done
            for _ in range(5):
                client.request("GET", "/")
                client.getresponse().read()
            done += 5
            agent.settle()
            agent.sample(done, Phase.MEASURE)

        with agent:
            agent.buffer.reserve(100)
            for _ in range(20):
                batch()
            agent.thaw()
            agent.freeze()
            # As a run does in its warm-up.
            agent.free_bytes()
            batch()
            batch()
            for orders in ORDERS.values():
                for _ in range(2):
                    for order in orders:
                        getattr(agent, order)()
                    agent.settle()
                    agent.disown()
                    agent.sample(done, Phase.CONFIRM)
                    batch()
                    batch()
            client.close()
            samples = agent.buffer.samples(len(agent.buffer) - 1 - 3 * 2 * len(ORDERS))

    for meter in (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS):
        assert {samples[meter][0]} == set(samples[meter]), meter
