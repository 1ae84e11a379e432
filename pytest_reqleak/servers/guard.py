"""A small process between a run and the server it has started, so that no orphan is ever left.

Run as a script with nothing but the standard library, in a session of its own.
The run holds its standard input open; when that closes, because the run is done
or because it was killed, the guard stops the server gracefully, and after a
bounded wait kills it and everything that came of it. On Linux that includes
processes that have left their session: orphans come to the guard.

    python -I -S guard.py GRACE_SECONDS COMMAND...

It says on its standard output `started PID`, `exited CODE` and, where it had to shorten
the output, `cut BYTES`; its standard error is the file where the server's output goes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LEASH, _STATUS, _OUTPUT = 0, 1, 2
_LOOK_SECONDS = 0.5

HEAD_BYTES, TAIL_BYTES = 64 * 1024, 1024 * 1024
"""What is kept of an output that grows beyond twice as much."""

_KEEP_SIZE_AND_PUNCH_HOLE = 3


class Guard:
    """Starts one server and sees to its end."""

    def __init__(self, command: list[str], grace_seconds: float) -> None:
        self._command = command
        self._grace_seconds = grace_seconds
        self._run_pid = os.getppid()
        self._server_pid = 0
        self._asked_to_stop = False
        self._dropped_upto = HEAD_BYTES
        # Signals and ended children write here, so that one poll waits for everything.
        self._wakeup, wakeup_end = os.pipe()
        for end in (self._wakeup, wakeup_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in _stop_signals():
            signal.signal(number, self._stop_later)

    def _stop_later(self, *_: object) -> None:
        self._asked_to_stop = True

    def run(self) -> None:
        """Start the server; returns when nothing is left of it."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._server_pid = self._start()
        _say(f"started {self._server_pid}")
        poll = select.poll()
        poll.register(_LEASH, select.POLLIN | select.POLLHUP)
        poll.register(self._wakeup, select.POLLIN)
        while self._reap() and not self._asked_to_stop and os.getppid() == self._run_pid:
            self._bound_output()
            for descriptor, _ in poll.poll(_LOOK_SECONDS * 1000):
                if descriptor == self._wakeup:
                    self._drain()
                elif not os.read(_LEASH, 64):
                    self._asked_to_stop = True
        if self._server_pid:
            self._stop()
        self._kill_the_rest()

    def _start(self) -> int:
        guard = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            # If the guard itself is killed, its server goes with it.
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != guard:
                os._exit(1)
            for number in (*_stop_signals(), signal.SIGCHLD, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, _LEASH)
            os.dup2(_OUTPUT, _STATUS)
            os.execvpe(self._command[0], self._command, os.environ)
        except OSError as error:
            os.write(_OUTPUT, f"{self._command[0]} cannot be run: {error}\n".encode())
        finally:
            os._exit(127)

    def _bound_output(self) -> None:
        """Give the disk space of the output's middle back, while the server writes on."""
        size = os.fstat(_OUTPUT).st_size
        if size - self._dropped_upto < 2 * TAIL_BYTES:
            return
        upto = size - TAIL_BYTES
        if _drop(_OUTPUT, self._dropped_upto, upto):
            self._dropped_upto = upto
            return
        # Nothing can be taken out of the middle: then the newest are what the file begins anew with.
        with contextlib.suppress(OSError):
            os.ftruncate(_OUTPUT, HEAD_BYTES)
            _say(f"cut {size - HEAD_BYTES}")

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wakeup, 512):
                pass

    def _reap(self) -> bool:
        """Take the exit codes of what has ended; whether the server runs."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == self._server_pid:
                self._server_pid = 0
                _say(f"exited {os.waitstatus_to_exitcode(status)}")
        return self._server_pid != 0

    def _stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._server_pid, signal.SIGTERM)
            # A stopped process takes no notice of any other signal.
            os.kill(self._server_pid, signal.SIGCONT)
        deadline = time.monotonic() + self._grace_seconds
        while self._reap() and time.monotonic() < deadline:
            select.select([self._wakeup], [], [], max(0.0, deadline - time.monotonic()))
            self._drain()

    def _kill_the_rest(self) -> None:
        while self._kill_round():
            select.select([self._wakeup], [], [], 0.05)
            self._drain()
        self._reap()

    def _kill_round(self) -> bool:
        """Kill all descendants; whether there were any."""
        self._reap()
        found = _descendants(os.getpid())
        if found is None:
            # No /proc: the session's processes are what can be found. The guard is one of them.
            os.killpg(os.getpgrp(), signal.SIGKILL)
            return False
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(found)


def _descendants(root: int) -> list[int] | None:
    """All processes below one, ended ones left out; None where the system has no /proc."""
    if not os.path.exists(f"/proc/{root}/stat"):
        return None
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                # The name stands in parentheses and may hold anything.
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state not in (b"Z", b"X"):
            children.setdefault(int(parent), []).append(int(entry))
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _drop(descriptor: int, start: int, stop: int) -> bool:
    """Make a file sparse there, its size unchanged; whether the system can."""
    if not sys.platform.startswith("linux"):
        return False
    libc = _libc()
    # The former takes offsets of 64 bits everywhere; musl has the latter alone, which does too.
    fallocate = getattr(libc, "fallocate64", None) or getattr(libc, "fallocate", None)
    if fallocate is None:
        return False
    begin, length = ctypes.c_longlong(start), ctypes.c_longlong(stop - start)
    return bool(fallocate(descriptor, _KEEP_SIZE_AND_PUNCH_HOLE, begin, length) == 0)


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        _libc().prctl(option, value, 0, 0, 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _stop_signals() -> tuple[int, ...]:
    # Not a constant: Windows knows no SIGHUP, and imports this file before it is told what it cannot do.
    return signal.SIGTERM, signal.SIGINT, signal.SIGHUP


def _say(line: str) -> None:
    # The run may be gone.
    with contextlib.suppress(OSError):
        os.write(_STATUS, line.encode() + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    Guard(sys.argv[2:], float(sys.argv[1])).run()
