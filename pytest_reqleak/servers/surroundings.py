"""The surroundings of a server that we start: its environment, its port, its folder.

The process gets the environment of this one and a few settings that make it
measurable; the app in it gets its own back before it is loaded.
"""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Mapping

from pytest_reqleak.servers.kinds import ADDRESS

_NO_CACHES = "glibc.malloc.tcache_count=0"

# The path of a unix socket has 104 bytes at most (108 on Linux), its name within the folder included.
_LONGEST_FOLDER_BYTES = 80


def settings_for(python_malloc: str, more: Mapping[str, str]) -> dict[str, str]:
    """The variables that a server's process has and this one has not.

    Args:
        python_malloc: `pymalloc` or `malloc`.
        more: What else it shall have; wins over ours.
    """
    return {
        "PYTHONPATH": os.pathsep.join(_own_paths()),
        "PYTHONUNBUFFERED": "1",
        "PYTHONMALLOC": python_malloc,
        "GLIBC_TUNABLES": _exact_heap(os.environ.get("GLIBC_TUNABLES", "")),
        **more,
    }


def _exact_heap(tunables: str) -> str:
    """Switch off glibc's caches of freed memory per thread, which count as in use.

    What one thread allocates and another frees fills them over thousands of requests: a
    healthy Uvicorn gained 9 KB in 25 batches with them, and nothing without.
    """
    if _NO_CACHES.partition("=")[0] in tunables:
        return tunables
    return f"{tunables}:{_NO_CACHES}" if tunables else _NO_CACHES


def _own_paths() -> list[str]:
    """Where this process finds modules, without what every interpreter of this environment has."""
    common = {os.path.realpath(path) for path in sysconfig.get_paths().values()}
    paths = [os.path.abspath(path) for path in sys.path]
    return [path for path in paths if not _is_common(os.path.realpath(path), common)]


def _is_common(path: str, common: set[str]) -> bool:
    return path in common or os.path.dirname(path) in common or path.endswith(".zip")


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as sock:
        sock.bind((ADDRESS, 0))
        return int(sock.getsockname()[1])


def private_folder() -> str:
    """Make a folder that only this user can enter, with a name short enough for a socket in it."""
    folder = tempfile.mkdtemp(prefix="reqleak-")
    if len(os.fsencode(folder)) > _LONGEST_FOLDER_BYTES:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix="reqleak-", dir="/tmp")
    return folder
