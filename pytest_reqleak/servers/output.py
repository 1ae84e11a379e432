"""What a server has written: kept in a file that the guard bounds, and shown by its beginning and its end.

Knows bytes and lines; not what they mean.
"""

from __future__ import annotations

import os

from pytest_reqleak.units import format_bytes

HEAD_LINES, TAIL_LINES = 5, 15
"""What is shown of an output with more lines than both together."""

# Of each end; a line of more is shown in part.
_READ_BYTES = 16 * 1024


def excerpt(path: str, *, cut_bytes: int = 0) -> str:
    """The output in a file, shortened in the middle, where it says how much is left out.

    Args:
        path: Of the file; one that is missing reads as empty.
        cut_bytes: How much of the output is no longer in the file.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(_READ_BYTES).splitlines(keepends=True)[:HEAD_LINES]
            head_bytes = sum(map(len, head))
            file.seek(max(head_bytes, size - _READ_BYTES))
            rest = file.read()
    except OSError:
        return ""
    tail = rest.splitlines(keepends=True)
    left_out = size - head_bytes - len(rest) + cut_bytes
    if left_out or len(tail) > TAIL_LINES:
        left_out += sum(map(len, tail[:-TAIL_LINES]))
        # Of a long line only the beginning was read.
        end = b"" if not head or head[-1].endswith(b"\n") else b"\n"
        head.append(end + f"[... {format_bytes(left_out)} left out]\n".encode())
    return b"".join(head + tail[-TAIL_LINES:]).decode(errors="replace").rstrip("\n")
