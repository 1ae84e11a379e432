"""How the command ends where it cannot go on: never as if it had measured a leak, or nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_reqleak import check, cli
from pytest_reqleak.errors import UsageError

QUICK = "-n", "100", "--batches", "10", "--trace", "never", "--server", "direct"

LEAVES = """
import os
import apps

async def _leaves(scope, send):
    apps.KEPT.append(1)
    if len(apps.KEPT) > 20:
        os._exit({code})
    await apps.answer(send)

async def _forks(scope, send):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    await apps.answer(send)

app, forks = apps.asgi(_leaves), apps.asgi(_forks)
"""


@pytest.mark.parametrize("verbose", [[], ["-vv"]])
def test_what_nobody_has_foreseen_is_no_leak_and_names_its_place(monkeypatch, capsys, verbose):
    def broken(*_):
        raise OverflowError("too large")

    monkeypatch.setattr("pytest_reqleak.commands.check.read_requests", broken)

    assert 4 == cli.main(["check", "apps:clean", *verbose])
    line, *more = capsys.readouterr().err.splitlines()
    assert line.startswith("reqleak: OverflowError: too large, at ")
    assert " in broken: this is a fault of reqleak's, please report it" in line
    assert bool(verbose) == ("Traceback (most recent call last):" in more)
    assert bool(verbose) != line.endswith("; -vv shows the traceback")


def test_a_keyword_that_cannot_be_printed_is_refused_in_one_line():
    with pytest.raises(UsageError, match=r"^check\(iterations=\(a value of type int that cannot be printed"):
        check("apps:clean", iterations=10**6000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("how", [">/dev/full", ">&-"], ids=["full", "closed"])
@pytest.mark.parametrize(
    "command", [("check", "apps:clean"), ("compare", "apps:clean", "--server=bundled", "--server=direct")]
)
def test_files_are_written_though_nothing_can_be_printed(project, how, command):
    arguments = [argument for argument in QUICK if argument not in ("--server", "direct")]
    shell = f'exec "$@" {how}'
    words = [sys.executable, "-m", "pytest_reqleak", *command, *arguments, "--json", "full.json"]

    done = subprocess.run(
        ["sh", "-c", shell, "sh", *words], cwd=project.path, stderr=subprocess.PIPE, text=True, timeout=120
    )

    assert 4 == done.returncode
    assert (project.path / "full.json").stat().st_size
    (line,) = done.stderr.splitlines()
    assert line.startswith("reqleak: the result cannot be printed: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_nothing_is_said_where_nobody_can_be_told(project):
    words = [sys.executable, "-m", "pytest_reqleak", "check", "apps:nothing"]

    done = subprocess.run(["sh", "-c", 'exec "$@" 2>/dev/full', "sh", *words], cwd=project.path, timeout=120)

    assert 2 == done.returncode


def test_a_summary_of_a_step_that_cannot_be_written_is_a_note(run_command, run_pytest, project, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "no" / "summary"))

    result = run_command("check", "apps:leaky", "-n", "200", "--server=direct", "--json=run.json")
    clean = run_command("check", "apps:clean", *QUICK)
    session = run_pytest("import pytest\n@pytest.mark.no_leak\ndef test_a(): pass")

    assert [1, 0, 0] == [result.ret, clean.ret, session.ret]
    result.stdout.fnmatch_lines(["::error file=apps.py,line=*"])
    note = "reqleak: GITHUB_STEP_SUMMARY: cannot write '*summary': No such file or directory"
    result.stderr.fnmatch_lines([note])
    session.stdout.fnmatch_lines([note])
    assert (project.path / "run.json").exists()


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize(
    "command",
    [["check", "leaves:app"], ["compare", "leaves:app", "--server", "bundled"]],
    ids=["check", "compare"],
)
def test_an_app_that_ends_the_process_is_not_taken_for_clean(run_command, project, command, code):
    project.makepyfile(leaves=LEAVES.format(code=code))

    result = run_command(*command, *QUICK)

    assert 4 == result.ret
    assert [
        f"reqleak: the app ended the process with code {code} (os._exit) while it was measured; "
        "--isolate gives it a process of its own"
    ] == result.errlines


def test_a_process_that_the_app_has_forked_may_end_as_it_likes(run_command, project):
    project.makepyfile(leaves=LEAVES.format(code=0))

    result = run_command("check", "leaves:forks", *QUICK)

    assert 0 == result.ret
    assert [] == result.errlines
