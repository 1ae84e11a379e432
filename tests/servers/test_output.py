"""However much a server writes, its output is bounded, and what is shown says how much is not."""

import os
import sys
import time

import pytest

from pytest_reqleak.servers import guard
from pytest_reqleak.servers.output import HEAD_LINES, TAIL_LINES, excerpt
from pytest_reqleak.servers.process import ServerProcess
from pytest_reqleak.units import format_bytes

WAIT_SECONDS = 20


@pytest.fixture
def written(tmp_path):
    """Writes an output, and gives what is shown of it."""

    def written(text, **cut):
        path = tmp_path / "output"
        path.write_text(text)
        return excerpt(str(path), **cut)

    return written


def numbered(count):
    return "".join(f"line {n}\n" for n in range(count))


@pytest.mark.parametrize("count", [0, 1, HEAD_LINES, HEAD_LINES + 1, HEAD_LINES + TAIL_LINES])
def test_a_short_output_is_shown_whole(written, count):
    assert numbered(count).rstrip("\n") == written(numbered(count))


def test_a_longer_one_is_shown_by_its_two_ends_with_what_is_left_out(written):
    text = numbered(HEAD_LINES + TAIL_LINES + 3)
    lines = text.splitlines()
    left_out = sum(len(line) + 1 for line in lines[HEAD_LINES:-TAIL_LINES])

    assert [*lines[:HEAD_LINES], f"[... {left_out} B left out]", *lines[-TAIL_LINES:]] == written(
        text
    ).splitlines()


def test_lines_longer_than_what_is_read_are_shown_in_part(written):
    shown = written("a" * 100_000 + "\n" + "b" * 100_000 + "\nend\n").splitlines()

    assert {"a"} == set(shown[0])
    assert shown[1].startswith("[... 1")
    assert shown[1].endswith("KiB left out]")
    assert "end" == shown[-1]


def test_what_is_no_longer_in_the_file_counts_as_left_out(written):
    assert ["one", "[... 2 KiB left out]", "two"] == written(
        "one\n" * HEAD_LINES + "two\n", cut_bytes=2048
    ).splitlines()[HEAD_LINES - 1 :]


def test_an_output_that_is_gone_reads_as_empty(tmp_path):
    assert "" == excerpt(str(tmp_path / "missing"))


CHATTY = """
import os, signal
os.write(1, b'first\\n')
line = b'x' * 1023 + b'\\n'
for _ in range(%d):
    os.write(1, line)
os.write(2, b'last\\n')
signal.pause()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="servers in processes need POSIX")
def test_what_a_chatty_server_writes_does_not_fill_the_disk(tmp_path):
    written = 3 * guard.TAIL_BYTES + guard.HEAD_BYTES
    server = ServerProcess(
        [sys.executable, "-c", CHATTY % (written // 1024)],
        environment=os.environ,
        folder=str(tmp_path),
        grace_seconds=WAIT_SECONDS,
    )
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        most = guard.HEAD_BYTES + 2 * guard.TAIL_BYTES
        while not server.output_tail().endswith("last") or on_disk(tmp_path / "output") > most:
            assert time.monotonic() < deadline, on_disk(tmp_path / "output")
            server.has_ended(0.02)
        shown = server.output_tail().splitlines()
        left_out = written - (HEAD_LINES + TAIL_LINES - 2) * 1024

        assert ("first", "last") == (shown[0], shown[-1])
        assert f"[... {format_bytes(left_out)} left out]" == shown[HEAD_LINES]
    finally:
        server.close()


def on_disk(path):
    return path.stat().st_blocks * 512


def test_where_no_hole_can_be_made_the_beginning_is_kept_and_the_rest_counted(tmp_path, monkeypatch):
    told = []
    size = guard.HEAD_BYTES + 2 * guard.TAIL_BYTES
    with open(tmp_path / "output", "ab") as output:
        output.write(b"x" * size)
        output.flush()
        monkeypatch.setattr(guard, "_OUTPUT", output.fileno())
        monkeypatch.setattr(guard, "_drop", lambda *_: False)
        monkeypatch.setattr(guard, "_say", told.append)
        bounding = guard.Guard.__new__(guard.Guard)
        bounding._dropped_upto = guard.HEAD_BYTES
        bounding._bound_output()

        assert [f"cut {2 * guard.TAIL_BYTES}"] == told
        assert guard.HEAD_BYTES == os.fstat(output.fileno()).st_size
