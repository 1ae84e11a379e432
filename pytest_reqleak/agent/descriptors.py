"""Open descriptors, grouped by what they are: files by name, sockets by their other end.

Reads what the kernel tells about the process; touches no object of the app.
"""

from __future__ import annotations

import os
import re
from collections import Counter

import psutil

_FOLDER = "/proc/self/fd"
_DIGITS = re.compile(r"\d+|(?<=tmp)[a-z0-9_]{8}\b")
_MOST = 20_000


def open_descriptors() -> Counter[str]:
    """How many descriptors there are of each kind; empty where the system does not tell."""
    try:
        names = os.listdir(_FOLDER)[:_MOST]
    except OSError:
        return Counter()
    found: Counter[str] = Counter()
    files: Counter[str] = Counter()
    sockets = []
    for name in names:
        try:
            target = os.readlink(f"{_FOLDER}/{name}")
        except OSError:
            # The one that listed the folder is gone by now.
            continue
        kind, _, rest = target.partition(":")
        if kind == "socket":
            sockets.append(int(name))
        elif target.startswith("/"):
            files[target] += 1
        else:
            found[f"{kind} {rest}" if kind == "anon_inode" else kind] += 1
    if sockets:
        found.update(_socket_kinds(sockets))
    return found + _file_kinds(files)


def _file_kinds(files: Counter[str]) -> Counter[str]:
    """Files by name: `report-1.csv` and `report-2.csv` are one kind, `report-*.csv`."""
    alike: dict[str, list[str]] = {}
    for name in files:
        alike.setdefault(_DIGITS.sub("*", name), []).append(name)
    return Counter(
        {
            f"file {kind if len(names) > 1 else names[0]}": sum(files[name] for name in names)
            for kind, names in alike.items()
        }
    )


def _socket_kinds(numbers: list[int]) -> Counter[str]:
    """Sockets by state and port; connections to one place are one kind."""
    found: Counter[str] = Counter()
    known: dict[int, str] = {}
    try:
        connections = psutil.Process().net_connections(kind="inet")
        ports = Counter(end.port for one in connections for end in (one.laddr, one.raddr) if end)
        for connection in connections:
            state = "" if connection.status == psutil.CONN_NONE else f" ({connection.status.lower()})"
            remote, local = connection.raddr, connection.laddr
            if remote:
                # The other port differs from connection to connection, and is the higher one mostly.
                service = max((remote.port, local.port), key=lambda port: (ports[port], -port))
                way = f"to {remote.ip}:{service}" if service == remote.port else f"on port {service}"
                known[connection.fd] = f"socket {way}{state}"
            else:
                known[connection.fd] = f"socket{state}"
    except (psutil.Error, OSError):
        known = {}
    for number in numbers:
        found[known.get(number, "socket")] += 1
    return found


def lowest_free() -> int:
    """The descriptor that would be given out next: it rises by one for each that is not closed.

    Raises:
        OSError: The process may not open any more.
    """
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number
