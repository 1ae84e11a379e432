"""Whether this process holds the other end of a connection: the proof that it is the one that serves.

Asked in the process itself, a look at each of its sockets takes microseconds; from
outside it takes a list of all connections of the system.

Knows this process' sockets; not who listens.
"""

from __future__ import annotations

import os
import socket
import stat

# On Linux a link to /proc/self/fd; other systems have this one alone.
_FOLDER = "/dev/fd"
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def holds_connection_from(port: int) -> bool:
    """Whether a TCP connection of this process leads to that port."""
    return any(_peer_port(int(name)) == port for name in os.listdir(_FOLDER) if name.isdigit())


def _peer_port(descriptor: int) -> int | None:
    """The port at the other end; None where there is no such end."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        # A copy, for the socket object closes what it was made of.
        copy = os.dup(descriptor)
    except OSError:
        # It was closed meanwhile.
        return None
    try:
        sock = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return None
    with sock:
        try:
            return int(sock.getpeername()[1]) if sock.family in _FAMILIES else None
        except OSError:
            # It listens, or has just been closed there.
            return None
