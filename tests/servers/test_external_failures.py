"""What goes wrong with a server in a process of its own: one clear line, and nothing left running."""

import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from pytest_reqleak import ReqleakError, measure
from pytest_reqleak.agent.channel import ChannelClosed, connect
from pytest_reqleak.drivers.driver import make_driver
from pytest_reqleak.errors import BootFailed, RequestTimeout, TargetError, UsageError
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.request import Request
from pytest_reqleak.servers import external, kinds, orders
from pytest_reqleak.servers.app import boot_app
from pytest_reqleak.servers.external import boot_external
from pytest_reqleak.servers.kinds import ServerMissing
from pytest_reqleak.servers.orders import OrderFailed, WorkerLost
from tests.servers.outside_apps import AT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="servers in processes need POSIX")

APPS = "tests.servers.outside_apps"
TIMEOUT = 60.0
WAIT_SECONDS = 30
SMALL = {"iterations": 100, "batches": 10, "warmup": 10}


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    left = [
        child for child in psutil.Process().children(recursive=True) if "reqleak" in " ".join(child.cmdline())
    ]
    _, alive = psutil.wait_procs(left, timeout=1)
    assert [] == [process.cmdline() for process in alive]


@pytest.fixture
def impatient(monkeypatch):
    """For apps that will not stop, so that no test waits for them."""
    monkeypatch.setattr(external, "GRACE_SECONDS", 0.1)


def first_line(error):
    return str(error).partition("\n")[0]


def run(app, server="uvicorn", timeout=TIMEOUT, **more):
    pytest.importorskip(server)
    return measure(f"{APPS}:{app}", "GET /", server=server, timeout=timeout, **{**SMALL, **more})


@pytest.mark.parametrize("server", ["uvicorn", "granian", "gunicorn"])
def test_a_crash_in_mid_run_voids_it_and_shows_the_last_output(server):
    with pytest.raises(WorkerLost) as raised:
        run("crashing", server)

    assert first_line(raised.value).startswith(f"{APPS}:crashing: ")
    assert server in first_line(raised.value)
    assert "ended" in first_line(raised.value) or "was killed by signal 11" in first_line(raised.value)
    assert "about to crash" in str(raised.value)


def batch_of(booted, count, request_seconds=TIMEOUT):
    driver = make_driver(booted, [Request("GET", "/")], concurrency=1, request_seconds=request_seconds)
    driver.run_batch(0, count)
    driver.close()


def test_an_app_that_blocks_its_server_is_a_timeout(impatient):
    with (
        boot_external(f"{APPS}:blocking", server="uvicorn", timeout=TIMEOUT) as booted,
        pytest.raises(RequestTimeout, match=rf"GET / \(iteration {AT - 2}\) was not done after 2\.0 s"),
    ):
        batch_of(booted, AT, request_seconds=2)


def test_a_worker_that_stops_answering_the_agent_is_named(impatient, monkeypatch):
    with boot_external(f"{APPS}:stopping", server="uvicorn", timeout=TIMEOUT) as booted:
        agent = booted.make_agent()
        # The request that found it ready was the first.
        batch_of(booted, AT - 1)
        monkeypatch.setattr(orders, "ANSWER_SECONDS", 0.2)

        with pytest.raises(WorkerLost) as raised:
            agent.sample(1, Phase.MEASURE)

    assert "did not answer the agent's 'sample' within 0.2 s: it is stopped" in first_line(raised.value)


@pytest.mark.parametrize("server", ["uvicorn", "granian", "hypercorn"])
def test_a_start_up_that_fails_shows_what_the_server_said(server):
    with pytest.raises(BootFailed) as raised:
        run("not_starting", server)

    assert "ended with exit code" in first_line(raised.value)
    assert "before it answered a request" in first_line(raised.value)
    assert "there is no database" in str(raised.value)


def test_a_start_up_that_hangs_is_said_to(impatient):
    with pytest.raises(BootFailed, match=r"was not ready after 2\.0 s: "):
        run("starting_for_ever", timeout=2)


def test_an_answer_of_500_shows_what_the_app_raised():
    with pytest.raises(ReqleakError) as raised:
        run("raising")

    assert "was answered 500, expected was 2xx or 3xx" in first_line(raised.value)
    assert "ValueError: this app is broken" in str(raised.value)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("missing:app", "there is no module 'missing'"),
        (f"{APPS}:missing", "has no attribute 'missing'; apps found there:"),
        (f"{APPS}:KEPT", "is an object of type list, not an app"),
        (f"{APPS}:rsgi", "is a function, which is called neither as ASGI"),
    ],
)
def test_a_target_that_is_none_is_refused_as_in_this_process(target, said):
    with pytest.raises(TargetError) as raised:
        boot_external(target, server="uvicorn", timeout=TIMEOUT)

    assert first_line(raised.value).startswith(("target ", f"{APPS}:"))
    assert said in first_line(raised.value)


@pytest.mark.parametrize(
    ("server", "app", "interface", "said"),
    [
        ("granian", "wsgi", "asgi", "is an app for wsgi, but interface = 'asgi' was asked for"),
        ("granian", "clean", "rsgi", "is no RSGI app"),
        ("uvicorn", "clean", "rsgi", "interface = 'rsgi': uvicorn speaks asgi and wsgi"),
        ("gunicorn", "rsgi", "auto", "as RSGI (scope, protocol) only Granian calls it: choose server"),
        ("uvicorn", "rsgi", "asgi", "as RSGI (scope, protocol) only Granian calls it: choose server"),
    ],
)
def test_the_wrong_interface_is_refused(server, app, interface, said):
    pytest.importorskip(server)
    with pytest.raises((TargetError, UsageError)) as raised:
        boot_external(f"{APPS}:{app}", server=server, interface=interface, timeout=TIMEOUT)

    assert said in first_line(raised.value)


def test_a_port_that_was_taken_meanwhile_is_replaced_by_another(monkeypatch):
    with socket.create_server((kinds.ADDRESS, 0)) as taken:
        free = external.free_port
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(external, "free_port", lambda: next(ports, None) or free())

        with boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT) as booted:
            assert str(taken.getsockname()[1]) not in booted.url


def test_a_port_that_is_always_taken_is_said_to_be(monkeypatch):
    with socket.create_server((kinds.ADDRESS, 0)) as taken:
        monkeypatch.setattr(external, "free_port", lambda: taken.getsockname()[1])

        with pytest.raises(BootFailed) as raised:
            boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT)

    assert "address already in use" in str(raised.value).lower()


def test_a_server_that_is_not_installed_names_its_extra(monkeypatch):
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(ServerMissing) as raised:
        boot_external(f"{APPS}:clean", server="granian", timeout=TIMEOUT)
    assert ("server = 'granian': granian is not installed: install pytest-reqleak[granian]") == str(
        raised.value
    )


def test_a_server_that_is_too_old_is_refused_with_both_versions(monkeypatch, tmp_path):
    info = tmp_path / "granian-0.7.6.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: granian\nVersion: 0.7.6\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ServerMissing, match=r"granian 0\.7\.6 is too old, 1\.1 is the oldest"):
        boot_external(f"{APPS}:clean", server="granian", timeout=TIMEOUT)


@pytest.mark.parametrize("server", kinds.EXTERNAL)
def test_what_is_ours_to_set_is_refused_in_server_args(server):
    for argument in ("--workers", "--reload"):
        with pytest.raises(UsageError, match=f"server_args: {argument} is set by reqleak"):
            boot_external(f"{APPS}:clean", server=server, timeout=TIMEOUT, arguments=[f"{argument}=2"])


def test_arguments_that_the_server_does_not_know_show_what_it_says():
    with pytest.raises(BootFailed) as raised:
        boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT, arguments=["--wealth"])

    assert "uvicorn" in first_line(raised.value)
    assert "ended with exit code 2" in first_line(raised.value)
    assert "No such option" in str(raised.value)


def test_nobody_else_comes_to_the_channel_once_the_worker_is_found():
    with boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT) as booted:
        listener = booted._workers.listener

        with pytest.raises(ChannelClosed):
            connect(listener.path, listener.key)


def test_a_worker_that_was_replaced_voids_the_run():
    """Gunicorn starts another for one that has died; that one is turned away."""
    pytest.importorskip("gunicorn")
    with boot_external(f"{APPS}:wsgi", server="gunicorn", timeout=TIMEOUT) as booted:
        agent = booted.make_agent()
        os.kill(booted.info.pid, signal.SIGKILL)

        with pytest.raises(WorkerLost) as raised:
            agent.read(Meter.RSS_BYTES)
    assert "while it was measured" in first_line(raised.value)


def test_the_folder_of_the_channel_is_private():
    with boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT) as booted:
        folder = os.path.dirname(booted._workers.listener.path)

        assert 0o700 == os.stat(folder).st_mode & 0o777
    assert not os.path.exists(folder)


def test_what_an_agent_cannot_do_is_told(monkeypatch):
    with boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT) as booted:
        agent = booted.make_agent()

        with pytest.raises(OrderFailed, match="tracer = 'gprof': must be tracemalloc or memray"):
            agent.start_tracing("gprof", frames=1)
        with pytest.raises(OrderFailed, match="failed at 'read': TypeError"):
            agent.read(Meter.RSS_BYTES, 7)


def test_after_an_interrupted_order_the_app_must_be_booted_anew(monkeypatch):
    with boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT) as booted:
        agent = booted.make_agent()

        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(booted._workers.serving.channel, "receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            agent.thaw()
        monkeypatch.undo()

        with pytest.raises(WorkerLost, match="was left by an interrupted run"):
            booted.make_agent()


def test_an_app_that_was_shut_down_is_not_measured():
    with boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT) as booted:
        pass

    with pytest.raises(WorkerLost, match="has been shut down"):
        booted.make_agent()


def test_an_app_that_no_import_string_names_stays_in_this_process(small_plan):
    async def local(scope, receive, send):
        raise AssertionError

    with pytest.raises(UsageError, match="a process of its own, which cannot load the app: name the app by"):
        boot_app(local, small_plan(server="granian"), name="the app")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"server": "direct", "isolate": True}, "isolate: server = 'direct' calls the app without a socket"),
        ({"server": "direct", "server_args": ("--x",)}, "server_args: the server 'direct' takes none"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(small_plan, settings, said):
    with pytest.raises(UsageError) as raised:
        boot_app(f"{APPS}:clean", small_plan(**settings))

    assert said in first_line(raised.value)


@pytest.fixture
def small_plan():
    from pytest_reqleak.model.plan import Plan

    return lambda **settings: Plan(timeout=TIMEOUT, **settings)


def reqleak(*arguments):
    """The command, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest_reqleak", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=os.getcwd(),
        start_new_session=True,
        # A shell starts what runs in its background with interrupts ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def worker_of(process):
    """The pids of everything below a command, once its worker serves."""
    parent = psutil.Process(process.pid)
    while True:
        assert process.poll() is None, process.stdout.read()
        below = parent.children(recursive=True)
        for child in below:
            try:
                if any(listed.status == psutil.CONN_ESTABLISHED for listed in child.net_connections("tcp")):
                    return parent.children(recursive=True)
            except psutil.NoSuchProcess:
                continue


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
@pytest.mark.parametrize("server", ["granian", "uvicorn", "gunicorn"])
def test_nothing_is_left_when_the_command_ends_in_mid_run(server, number):
    pytest.importorskip(server)
    with reqleak("check", f"{APPS}:clean", "--server", server, "-n", "1000000") as process:
        below = worker_of(process)
        process.send_signal(number)
        process.communicate(timeout=WAIT_SECONDS)

        assert (130 if number == signal.SIGINT else -signal.SIGKILL) == process.returncode
        assert len(below) >= 2
        assert [] == psutil.wait_procs(below, timeout=WAIT_SECONDS)[1]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's end"
)
def test_nothing_is_left_when_the_guard_is_killed_with_the_command():
    pytest.importorskip("granian")
    with reqleak("check", f"{APPS}:clean", "--server", "granian", "-n", "1000000") as process:
        below = worker_of(process)
        for pid in (
            process.pid,
            next(child.pid for child in below if "guard.py" in " ".join(child.cmdline())),
        ):
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=WAIT_SECONDS)

        assert [] == psutil.wait_procs(below, timeout=WAIT_SECONDS)[1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([f"{APPS}:crashing", "--server", "uvicorn"], 4),
        ([f"{APPS}:not_starting", "--server", "uvicorn"], 4),
        ([f"{APPS}:missing", "--server", "uvicorn"], 2),
        ([f"{APPS}:clean", "--server", "uvicorn", "--interface", "rsgi"], 2),
        ([f"{APPS}:clean", "--server", "uvicorn", "--server-args", "--workers 2"], 2),
    ],
    ids=["crash", "start-up", "target", "interface", "arguments"],
)
def test_the_command_ends_with_the_code_for_what_went_wrong(arguments, code):
    with reqleak("check", *arguments) as process:
        output, _ = process.communicate(timeout=WAIT_SECONDS)

    assert code == process.returncode
    assert output.startswith("reqleak: ")
