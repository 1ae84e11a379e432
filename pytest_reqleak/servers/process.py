"""The process of a server: started behind a guard, its output kept, its end certain.

Knows processes and their output; not what a server is, nor what is measured.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from pytest_reqleak.servers import guard
from pytest_reqleak.servers.output import excerpt

GRACE_SECONDS = 5.0
"""How long a server may take to stop, before it is killed."""

# Of a guard whose server was killed: it needs milliseconds.
_GUARD_SECONDS = 5.0


class ServerProcess:
    """A server that runs, or has run.

    Attributes:
        pid: Of the process that was started, which may have workers below it.
        exit_code: Once it is known to have ended; negative: the signal that killed it.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: str, grace_seconds: float
    ) -> None:
        """Start it.

        Args:
            command: The program and its arguments.
            environment: All of it.
            folder: Private; its output is kept there.
            grace_seconds: How long it may take to stop.
        """
        self._grace_seconds = grace_seconds
        self._output_path = os.path.join(folder, "output")
        self.exit_code: int | None = None
        self.pid = 0
        self._status = b""
        self._cut_bytes = 0
        self._closed = False
        with open(self._output_path, "ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, str(grace_seconds), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=dict(environment),
                # Ctrl-C is for the run, which then stops the server in an orderly way.
                start_new_session=True,
            )

    def fileno(self) -> int:
        """Readable when something was told about the server, for `select`."""
        assert self._guard.stdout is not None
        return self._guard.stdout.fileno()

    def has_ended(self, wait_seconds: float = 0.0) -> bool:
        """Whether the server has ended; looks for so long."""
        deadline = time.monotonic() + wait_seconds
        while self.exit_code is None:
            self._read_status(max(0.0, deadline - time.monotonic()))
            if time.monotonic() >= deadline:
                break
        return self.exit_code is not None

    def _read_status(self, seconds: float) -> None:
        status = self._guard.stdout
        assert status is not None
        if status.closed or not select.select([status], [], [], seconds)[0]:
            return
        told = os.read(status.fileno(), 4096)
        *lines, self._status = (self._status + told).split(b"\n")
        for line in lines:
            word, _, number = line.decode().partition(" ")
            if word == "started":
                self.pid = int(number)
            elif word == "exited":
                self.exit_code = int(number)
            elif word == "cut":
                self._cut_bytes += int(number)
        if not told and self.exit_code is None:
            # The guard was killed, and its server with it.
            self.exit_code = -signal.SIGKILL

    def output_tail(self) -> str:
        """The first and the last lines that the server and the app have written."""
        self._read_status(0.0)
        return excerpt(self._output_path, cut_bytes=self._cut_bytes)

    def close(self) -> None:
        """Stop it, or kill it where it will not stop; returns when nothing is left of it."""
        if self._closed:
            return
        self._closed = True
        process = self._guard
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(self._grace_seconds + _GUARD_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.returncode != 0:
                # It hangs, or was killed itself: what it leaves behind is in its session.
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self._read_status(0.0)
            process.stdout.close()
