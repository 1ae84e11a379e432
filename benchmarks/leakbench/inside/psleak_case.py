"""A test as the users of psleak write them; how many requests it takes is psleak's own choice."""

from __future__ import annotations

import importlib
import os
import sys
import unittest
from pathlib import Path
from typing import Any

from benchmarks.leakbench.inside.bare import load

psleak: Any = importlib.import_module("psleak")


class Requests(psleak.MemoryLeakTestCase):  # type: ignore[misc]  # it has no types
    # The others follow every object by `==`, which runs code of the app.
    checkers = psleak.Checkers.exclude("gcgarbage")

    def test_requests(self) -> None:
        with load(sys.argv[1], sys.argv[2]) as bare:
            try:
                self.execute(bare.call)
            finally:
                Path(os.environ["LEAKBENCH_SENT"]).write_text(str(bare.sent), "utf-8")


if __name__ == "__main__":
    outcome = unittest.main(argv=sys.argv[:1], exit=False).result
    sys.stderr.flush()
    # Threads that an app left behind would keep the interpreter from ending.
    os._exit(0 if outcome.wasSuccessful() else 1)
