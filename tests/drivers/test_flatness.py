"""The harness must not see itself: an empty app leaves nothing behind."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("flatness.py")
SECONDS = 120

# CPython 3.10 gives a code object its cache at the 1024th call: a step when a function that is
# called now and then gets there. Later versions have the cache in the code itself.
CODE_CACHES = 3 if sys.version_info < (3, 11) else 0


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize("server", ["direct", "bundled"])
@pytest.mark.parametrize(("client", "concurrency"), [("driver", 1), ("driver", 3), ("httpx", 1)])
def test_an_empty_app_reads_exactly_flat(server, interface, client, concurrency):
    finished = subprocess.run(
        [sys.executable, str(SCRIPT), server, interface, str(concurrency), client],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "" == finished.stderr
    changes = json.loads(finished.stdout)

    assert 99 == len(changes)
    assert list(filter(None, changes))[CODE_CACHES:] == []
