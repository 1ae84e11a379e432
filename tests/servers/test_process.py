"""Processes that a run starts: their output, their end, and that nothing of them is left."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from pytest_reqleak.servers.output import HEAD_LINES, TAIL_LINES
from pytest_reqleak.servers.process import ServerProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="servers in processes need POSIX")

WAIT_SECONDS = 20

TELLS_AND_WAITS = "print('up', flush=True); signal.pause()"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
WITH_CHILDREN = """
pids = []
for leaves in (False, True):
    pid = os.fork()
    if not pid:
        if leaves:
            os.setsid()
            grandchild = os.fork()
            if grandchild:
                os._exit(0)  # so that it is nobody's child any more
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(1, b'child %d\\n' % os.getpid())
        while True: signal.pause()
os.write(1, b'up\\n')
while True: signal.pause()
"""


def script(code):
    return [sys.executable, "-c", "import os, signal, sys\n" + textwrap.dedent(code)]


@pytest.fixture
def start(tmp_path):
    started = []

    def start(code, grace_seconds=WAIT_SECONDS, **environment):
        process = ServerProcess(
            script(code),
            environment={**os.environ, **environment},
            folder=str(tmp_path),
            grace_seconds=grace_seconds,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


def lines_of(process, count):
    """Wait until it has written so many lines."""
    deadline = time.monotonic() + WAIT_SECONDS
    while len(process.output_tail().splitlines()) < count:
        assert time.monotonic() < deadline, process.output_tail()
        process.has_ended(0.02)
    return process.output_tail().splitlines()


def pids_of(lines):
    return [int(line.split()[1]) for line in lines if line.startswith("child")]


def assert_gone(pids):
    running = []
    for pid in pids:
        # It may end between one question and the next.
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                running.append(process)
    _, alive = psutil.wait_procs(running, timeout=WAIT_SECONDS)
    assert [] == alive


def test_the_exit_code_of_a_server_is_told(start):
    process = start("sys.exit(7)")

    assert process.has_ended(WAIT_SECONDS)
    assert 7 == process.exit_code


def test_the_signal_that_killed_a_server_is_told(start):
    process = start("os.kill(os.getpid(), signal.SIGSEGV)")

    assert process.has_ended(WAIT_SECONDS)
    assert -signal.SIGSEGV == process.exit_code


def test_the_first_and_last_lines_of_both_streams_are_kept(start):
    process = start("[print(n) for n in range(100)]; sys.stdout.flush(); print('late', file=sys.stderr)")
    process.has_ended(WAIT_SECONDS)

    lines = process.output_tail().splitlines()

    assert ["0", "1"] == lines[:2]
    assert ["98", "99", "late"] == lines[-3:]
    assert HEAD_LINES + 1 + TAIL_LINES == len(lines)


def test_a_command_that_cannot_be_run_says_so(tmp_path):
    process = ServerProcess(
        [str(tmp_path / "missing")], environment=os.environ, folder=str(tmp_path), grace_seconds=1
    )

    assert process.has_ended(WAIT_SECONDS)
    assert "missing cannot be run" in process.output_tail()
    process.close()


def test_a_server_is_stopped_by_sigterm_first(start):
    process = start(
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), os._exit(3)))\n"
        + TELLS_AND_WAITS
    )
    lines_of(process, 1)

    process.close()

    assert ["up", "bye"] == process.output_tail().splitlines()
    assert 3 == process.exit_code


def test_a_server_that_does_not_stop_is_killed(start):
    process = start(DEAF, grace_seconds=0.1)
    lines_of(process, 1)

    process.close()

    assert -signal.SIGKILL == process.exit_code


def test_a_stopped_server_is_ended(start):
    process = start(TELLS_AND_WAITS)
    lines_of(process, 1)
    os.kill(process.pid, signal.SIGSTOP)

    process.close()

    assert -signal.SIGTERM == process.exit_code


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans come to the guard on Linux only")
def test_children_that_left_the_session_end_with_the_server(start):
    process = start(WITH_CHILDREN, grace_seconds=0.1)
    children = pids_of(lines_of(process, 3))

    process.close()

    assert 2 == len(children)
    assert_gone([*children, process.pid])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans come to the guard on Linux only")
def test_children_end_when_their_server_crashes(start):
    process = start(WITH_CHILDREN)
    children = pids_of(lines_of(process, 3))

    os.kill(process.pid, signal.SIGKILL)

    assert_gone(children)


def test_a_server_ends_when_its_guard_is_killed(start):
    process = start(TELLS_AND_WAITS)
    lines_of(process, 1)

    os.kill(process._guard.pid, signal.SIGKILL)

    assert process.has_ended(WAIT_SECONDS)
    process.close()
    assert_gone([process.pid])


def test_nothing_is_left_when_the_run_is_killed(tmp_path):
    code = f"""
        import os, signal, sys
        from pytest_reqleak.servers.process import ServerProcess
        server = ServerProcess({script(WITH_CHILDREN)!r}, environment=os.environ, folder={str(tmp_path)!r},
                               grace_seconds=0.2)
        while len(server.output_tail().splitlines()) < 3:
            server.has_ended(0.02)
        told = [line for line in server.output_tail().splitlines() if line.startswith("child")]
        print(*told, f"child {{server.pid}}", f"child {{server._guard.pid}}", sep="\\n", flush=True)
        signal.pause()
    """
    run = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    assert run.stdout is not None
    with run, run.stdout:
        pids = pids_of([run.stdout.readline() for _ in range(4)])
        run.kill()
        run.wait()

    assert 4 == len(pids)
    assert_gone(pids)
