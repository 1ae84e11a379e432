"""What was printed and not yet written.

A standard stream that is no terminal keeps what is printed as a list of texts, until 8 KB
are together: an app that prints a word per request made the C heap rise for 1,600 requests
and fall again.
"""

from __future__ import annotations

import contextlib
import io
import sys


def write_out() -> None:
    """Have Python's own standard streams write what they keep; an object of somebody's class is left alone.

    1 us each where there is nothing to write. The original ones too: what stands in their place (the
    `tee-sys` of pytest) may write on to them.
    """
    for stream, original in ((sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__)):
        _flush(stream)
        if original is not stream:
            _flush(original)


def _flush(stream: object) -> None:
    if type(stream) is io.TextIOWrapper:
        # Closed, or its reader is gone: that is the app's to find out.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
