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

    1 us where there is nothing to write.
    """
    for stream in (sys.stdout, sys.stderr):
        if type(stream) is io.TextIOWrapper:
            # Closed, or its reader is gone: that is the app's to find out.
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
