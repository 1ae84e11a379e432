"""The `reqleak` command: exit codes, streams, and one clear line for each wrong use."""

import importlib.metadata
import json
import signal
import subprocess
import sys
import textwrap

import pytest

from pytest_reqleak import __version__
from pytest_reqleak.cli import main

SHORT = "-n", "200", "--batches", "20"

TROUBLED = """
import asyncio
import apps

async def start(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})

requests = [0]

async def _turns(scope, send):
    requests[0] += 1
    await apps.answer(send, 200 if requests[0] <= 50 else 503)

async def _hangs(scope, send):
    await asyncio.Event().wait()

turns, hangs = apps.asgi(_turns), apps.asgi(_hangs)
"""


def assert_told(result, code, message):
    assert code == result.ret
    assert [] == result.outlines
    result.stderr.fnmatch_lines([f"reqleak: {message}".replace("[", "[[]")])
    result.stderr.no_fnmatch_line("Traceback*")


@pytest.mark.parametrize("server", ["bundled", "direct"])
@pytest.mark.parametrize(("target", "code"), [("apps:clean", 0), ("apps.py:leaky", 1), ("apps:wsgi", 0)])
def test_the_exit_code_is_the_verdict(run_command, target, code, server):
    result = run_command("check", target, *SHORT, "--server", server)

    assert code == result.ret
    assert [] == result.errlines
    verdict = "LEAK" if code else "CLEAN"
    assert verdict in result.stdout.str().upper()


def test_requests_may_stand_before_and_behind_options(run_command, read_json):
    result = run_command("check", "apps:clean", "GET /a", *SHORT, "POST /b/{i}", "/c", "--json=run.json")

    assert 0 == result.ret
    assert ["GET /a", "POST /b/{i}", "GET /c"] == read_json("run.json")["requests"]


def test_a_factory_and_a_workload_file_and_reports(run_command, project, read_json):
    requests = [
        {"method": "GET", "path": "/{i}", "expect": "2xx"},
        {"method": "PUT", "path": "/", "json": {"a": 1}},
    ]
    (project.path / "workload.json").write_text(json.dumps(requests))

    result = run_command(
        "check",
        "apps:make",
        "--factory",
        "--requests=workload.json",
        *SHORT,
        "--json=run.json",
        "--html=run.html",
    )

    assert 0 == result.ret
    run = read_json("run.json")
    assert ("clean", "apps:make", 200, 20) == tuple(
        run[k] for k in ("verdict", "target", "iterations", "batches")
    )
    assert "apps:make" in (project.path / "run.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere:app"], "target 'nowhere:app': there is no module 'nowhere'*"),
        (["apps:nothing"], "target 'apps:nothing': apps has no attribute 'nothing'*"),
        (["nowhere.py:app"], "target 'nowhere.py:app': there is no file 'nowhere.py'*"),
        (["apps"], "target 'apps' does not name an app*"),
        ([":app"], "target ':app' does not name an app: write 'module:attr' or 'path/to/file.py:attr'"),
        (["apps:"], "target 'apps:' does not name an app: *, such as apps:app"),
        (["apps:clean", "/{id}"], "request '/{id}': path = '/{id}': has a brace that belongs to no {i}*"),
        (["apps:not_an_app"], "apps:not_an_app is an object of type int, not an app*"),
        (["apps:clean", "-n", "0"], "--iterations = '0' (command line): must be at least 1, or 'auto'"),
        (["apps:clean", "--batches=-1"], "--batches = '-1' (command line): must be at least 1"),
        (["apps:clean", "--concurrency=many"], "--concurrency = 'many' (command line): must be a whole*"),
        (
            ["apps:clean", "--threshold=5 parsec"],
            "--threshold = '5 parsec' (command line): has the unknown*",
        ),
        (["apps:clean", "--server=apache"], "--server = 'apache' (command line): must be one of bundled*"),
        (["apps:clean", "--timeout=0"], "--timeout = '0' (command line): must be more than 0 seconds"),
        (["apps:clean", "-n5", "--batches=6"], "--batches = '6' (command line): must not be more than*"),
        (["apps:clean", "GET"], "request 'GET': must be a method and a path*"),
        (["apps:clean", "--requests=no.json"], "--requests = 'no.json': cannot be read: No such file*"),
        (["apps:clean", "--requests=tox.ini"], "tox.ini: is no JSON: *line 1, column 2"),
        (["apps:clean", "--requests=wrong.json"], "wrong.json: request 2: unknown field 'paht'*"),
        (
            ["apps:clean", "--json=no/folder/run.json"],
            "--json = 'no/folder/run.json' (command line): cannot*",
        ),
        (["apps:clean", "--html=."], "--html = '.' (command line): cannot write*"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_use_is_told_in_one_line(run_command, project, arguments, message):
    wrong = [{"method": "GET", "path": "/"}, {"method": "GET", "path": "/", "paht": "/"}]
    (project.path / "wrong.json").write_text(json.dumps(wrong))

    assert_told(run_command("check", *arguments), 2, message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["apps:failing"], "GET / (iteration 0) was answered 500, expected was 2xx or 3xx*"),
        (
            ["broken.py:app"],
            "target 'broken.py:app': importing it raised ZeroDivisionError: division by zero*",
        ),
        (["troubled:start"], "troubled:start: the app's lifespan start-up failed*no database*"),
        (["troubled:turns"], "GET / (iteration 50) was answered 503, expected was 2xx or 3xx*"),
        (["troubled:hangs", "--timeout=0.3"], "GET / (iteration 0) was not done after 0.3 s*"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("server", ["bundled", "direct"])
def test_an_app_that_cannot_be_measured_is_told_in_one_line(run_command, project, arguments, message, server):
    project.makepyfile(broken="1 / 0", troubled=TROUBLED)

    assert_told(run_command("check", *arguments, f"--server={server}"), 4, message)


def test_what_the_app_raises_where_no_client_sees_it_is_told_below_the_answer(run_command, project):
    project.makepyfile(
        unseen="""
        import apps

        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                raise OSError("no disk")
            await apps.answer(send)
            raise LookupError("late")
        """
    )
    result = run_command("check", "unseen:app", "-n100", "--batches=10", "--warmup=10")

    assert 0 == result.ret
    result.stdout.fnmatch_lines(
        [
            "CLEAN: *",
            "  note: the app raised in 1?? requests after the answer was complete; *LookupError: late",
            "  note: the app's lifespan raised OSError: no disk at its shutdown",
        ]
    )


def test_wrong_arguments_exit_with_2(run_command):
    assert [2, 2, 2] == [
        run_command(*arguments).ret for arguments in ([], ["check"], ["check", "apps:clean", "--what"])
    ]


def test_the_command_is_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="reqleak")

    assert command.load() is main


def test_the_version_is_told(run_command):
    assert [f"pytest-reqleak {__version__}"] == run_command("--version").outlines


def test_the_help_tells_the_exit_codes(run_command):
    result = run_command("check", "--help")

    assert 0 == result.ret
    result.stdout.fnmatch_lines(["*exit codes:", "*3  inconclusive*", "*4  could not measure*"])


@pytest.mark.parametrize(("policy", "code"), [("warn", 3), ("fail", 1), ("pass", 0)])
def test_an_inconclusive_run_exits_as_asked(run_command, project, policy, code):
    project.makepyfile(
        slow="""
        import asyncio
        import apps

        async def _slow(scope, send):
            apps.KEPT.append(object())
            await asyncio.sleep(0.01)
            await apps.answer(send)

        app = apps.asgi(_slow)
        """
    )

    result = run_command("check", "slow:app", "--timeout=0.50123", f"--inconclusive={policy}")

    assert code == result.ret
    assert "INCONCLUSIVE" in result.stdout.str().upper()
    assert "the time limit of 0.5 s ended" in " ".join(result.stdout.str().split())


def test_an_interrupt_ends_with_130_and_says_how_far_it_came(project):
    project.makepyfile(
        waits="""
        import apps

        async def _waits(scope, send):
            print("first request", flush=True)
            import asyncio
            await asyncio.Event().wait()

        app = apps.asgi(_waits)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_reqleak", "check", "waits:app"],
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in its background with interrupts ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert "first request\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()

    assert 130 == process.returncode
    assert "reqleak: interrupted after 0 iterations, warm-up included: no result\n" == errors


@pytest.mark.parametrize(
    ("given", "what"),
    [(("--requests=kept.json",), "the requests"), (("--baseline=kept.json",), "the baseline")],
)
def test_no_report_takes_the_place_of_what_is_read(run_command, project, given, what):
    text = {"the requests": '[{"method": "GET", "path": "/"}]', "the baseline": '{"baseline": 1}'}[what]
    (project.path / "kept.json").write_text(text)

    result = run_command("check", "apps:clean", *given, "--json=./kept.json")

    assert_told(result, 2, f"--json = './kept.json' (command line): './kept.json' is the file of {what}, *")
    assert text == (project.path / "kept.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "server"),
    [
        (["check", "apps:clean", "--server", "uvicorn"], "uvicorn"),
        (["check", "apps:clean", "--isolate"], "bundled"),
        (["compare", "apps:clean", "--server", "uvicorn", "--server", "granian"], "uvicorn"),
    ],
    ids=["server", "isolate", "compare"],
)
def test_a_server_that_needs_posix_is_refused_in_one_line_on_windows(project, arguments, server):
    windows = f"""
        import asyncio, signal, subprocess, sys
        import pytest_reqleak.cli, pytest_reqleak.fixture
        for name in ("SIGHUP", "SIGKILL", "SIGCHLD", "SIGCONT", "SIGPIPE"):
            vars(signal).pop(name, None)
        sys.platform = "win32"
        sys.exit(pytest_reqleak.cli.main({arguments!r}))
    """
    done = project.run(sys.executable, "-c", textwrap.dedent(windows), timeout=120)

    assert 2 == done.ret
    assert [
        f"reqleak: server = {server!r}: servers in processes of their own need a POSIX system"
    ] == done.errlines
