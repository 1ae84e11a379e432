"""`reqleak compare`: one workload on several servers, its table, its sentence and its exit codes."""

from __future__ import annotations

import re
from ctypes.util import find_library

import pytest

SHORT = "-n", "200", "--batches", "20", "--trace", "never"
BOTH = "--server", "bundled", "--server", "direct"


def last_sentence(result):
    return result.stdout.str().strip().split("\n\n")[-1]


def test_a_leaky_app_is_found_on_both_and_it_is_the_app(run_command, read_json):
    result = run_command("compare", "apps:leaky", "GET /{i}", *BOTH, *SHORT, "--json", "both.json")

    assert 1 == result.ret
    assert [] == result.errlines
    assert re.match(
        r"It is the app: each request leaves [\d.]+ B behind on bundled and direct alike",
        last_sentence(result),
    )
    document = read_json("both.json")
    assert [1, "bundled", "direct"] == [
        document["schema"],
        *(run["server"]["name"] for run in document["runs"]),
    ]


def test_a_clean_app_differs_nowhere(run_command):
    result = run_command("compare", "apps:clean", *BOTH, *SHORT)

    assert 0 == result.ret
    assert "Nothing differs: no request leaves anything behind on bundled and direct." == last_sentence(
        result
    )


def test_each_server_has_a_process_of_its_own(run_command, read_json):
    run_command(
        "compare", "apps:clean", "--server", "bundled", "--server", "direct", *SHORT, "--json=runs.json"
    )

    bundled, direct = (run["server"]["pid"] for run in read_json("runs.json")["runs"])
    assert bundled != direct


def test_one_that_cannot_be_measured_does_not_keep_the_others_from_it(run_command, project, read_json):
    # Bundled runs in a process of its own, which this app does not survive; direct is the command's own.
    project.makepyfile(
        fragile="""
        import os, sys
        import apps

        async def _handle(scope, send):
            if "compare" not in sys.argv:
                os._exit(7)
            await apps.answer(send)

        app = apps.asgi(_handle)
        """
    )
    result = run_command("compare", "fragile:app", *BOTH, *SHORT, "--json=runs.json")

    assert 4 == result.ret
    assert ["direct"] == [run["server"]["name"] for run in read_json("runs.json")["runs"]]
    result.stdout.fnmatch_lines(["bundled *not measured*", "bundled: *fragile:app*"])
    assert last_sentence(result).endswith("; bundled could not be measured.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is nothing to compare: give --server at least twice; known are *"),
        (
            ("--server", "direct"),
            "'direct' alone cannot be compared: give --server at least twice; known are *",
        ),
        (("--server=direct", "--server=direct"), "'direct' is given twice: each run must differ *"),
        (("--server=direct", "--server=directt"), "--server = 'directt' (command line): must be one of *"),
        (("--server=direct", "--server="), "--server = '' (command line): must be one of *"),
        (
            ("--server=direct", "--server=granian '"),
            '--server = "granian \'" (command line): cannot be split into words: No closing quotation',
        ),
        ((*BOTH, "--iterations=0"), "--iterations = '0' (command line): must be at least 1*"),
        ((*BOTH, "--json=no/such/folder/x.json"), "--json = 'no/such/folder/x.json' (command line): *"),
        ((*BOTH, "not a request"), "request 'not a request': must be a method and a path*"),
    ],
)
def test_wrong_usage_is_one_line_before_anything_runs(run_command, arguments, message):
    result = run_command("compare", "apps:clean", *arguments)

    assert 2 == result.ret
    assert [] == result.outlines
    assert 1 == len(result.errlines)
    result.stderr.fnmatch_lines([f"reqleak: {message}".replace("[", "[[]")])


def test_a_target_that_does_not_exist_is_wrong_usage(run_command):
    result = run_command("compare", "aps:clean", *BOTH, *SHORT)

    assert 2 == result.ret
    assert 1 == len(result.errlines)


def test_arguments_for_a_server_that_takes_none_are_refused(run_command):
    result = run_command("compare", "apps:clean", "--server", "direct", "--server", "direct --fast", *SHORT)

    assert 2 == result.ret
    result.stderr.fnmatch_lines(["reqleak: *server_args*direct*"])


def test_a_pipe_gets_no_colour_and_a_narrow_page_no_long_line(run_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    result = run_command("compare", "apps:leaky", *BOTH, *SHORT)

    assert "\x1b" not in result.stdout.str()
    assert max(map(len, result.outlines)) <= 50


def test_the_help_tells_the_exit_codes(run_command):
    result = run_command("compare", "--help")

    assert 0 == result.ret
    result.stdout.fnmatch_lines(["*--server SERVER*", "exit codes:", "  1  at least one leaks"])


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
def test_an_external_server_stands_beside_ours(run_command, server):
    pytest.importorskip(server)
    result = run_command("compare", "apps:leaky", "--server", "direct", "--server", server, *SHORT)

    assert 1 == result.ret
    result.stdout.fnmatch_lines([f"{server} [0-9]*leak*"])
    assert re.match(rf"It is the app: .* on direct and {server} [\d.]+ alike", last_sentence(result))


def test_a_server_with_arguments_is_a_subject_of_its_own(run_command):
    pytest.importorskip("granian")
    servers = "--server", "granian", "--server", "granian --backlog 128"
    result = run_command("compare", "apps:clean", *servers, *SHORT)

    assert 0 == result.ret
    result.stdout.fnmatch_lines(["granian [0-9.]* *clean*", "granian [0-9.]* --backlog 128 *clean*"])


@pytest.mark.skipif(find_library("jemalloc") is None, reason="jemalloc is not installed")
def test_each_server_runs_under_each_allocator(run_command, read_json):
    allocators = "--allocator", "glibc", "--allocator", "jemalloc"
    result = run_command(
        "compare", "apps:clean", "--server", "bundled", *allocators, *SHORT, "--json=runs.json"
    )

    assert 0 == result.ret
    used = [run["server"]["allocator"].split()[0] for run in read_json("runs.json")["runs"]]
    assert ["glibc", "jemalloc"] == used
    assert last_sentence(result).endswith("on bundled, glibc and bundled, jemalloc.")
