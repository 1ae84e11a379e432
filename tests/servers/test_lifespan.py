"""Start-up and shutdown of ASGI apps."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest
from starlette.applications import Starlette

from pytest_reqleak.errors import BootFailed, TargetError, UsageError
from pytest_reqleak.servers.booted import boot


def lifespan_app(startup=None, shutdown=None):
    async def app(scope, receive, send):
        assert scope["type"] == "lifespan"
        await receive()
        if startup is not None:
            await startup(send)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if shutdown is not None:
            await shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    return app


def boot_failure(app, timeout=10.0):
    with pytest.raises(BootFailed) as caught:
        boot(app, server="direct", timeout=timeout, name="shop:app")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reqleak")]
    return str(caught.value)


def test_start_up_and_shutdown_happen_once_each(boot_app):
    seen = []

    async def startup(send):
        seen.append("up")

    async def shutdown():
        seen.append("down")

    booted = boot_app(lifespan_app(startup, shutdown), server="direct")
    assert ["up"] == seen
    booted.close()
    booted.close()
    assert ["up", "down"] == seen


def test_what_runs_after_the_last_message_runs_to_its_end(boot_app):
    ended = []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield
        await asyncio.sleep(0)
        ended.append(True)

    boot_app(Starlette(lifespan=lifespan), server="direct").close()

    assert [True] == ended


@pytest.mark.parametrize("server", ["direct", "bundled"])
def test_a_framework_that_fails_to_start_is_quoted(server):
    @contextlib.asynccontextmanager
    async def lifespan(app):
        raise ConnectionError("no database")
        yield

    with pytest.raises(BootFailed) as caught:
        boot(Starlette(lifespan=lifespan), server=server, timeout=10.0, name="shop:app")

    line, *below = str(caught.value).splitlines()
    assert line == "shop:app: the app's lifespan start-up failed: ConnectionError: no database"
    assert any("test_lifespan.py" in frame for frame in below)
    assert all(frame.startswith("    ") for frame in below)


def test_a_failure_that_is_only_told_is_quoted():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    assert boot_failure(app) == "shop:app: the app's lifespan start-up failed: no database"


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("no database\nis it up?\n", ["no database", "is it up?"]),
        (
            'Traceback (most recent call last):\n  File "a.py", in up\nOSError: no database\nis it up?\n',
            [
                "OSError: no database",
                "is it up?",
                "Traceback (most recent call last):",
                '  File "a.py", in up',
            ],
        ),
    ],
    ids=["text", "traceback"],
)
def test_a_failure_told_in_several_lines_is_quoted_once_with_what_happened_first(message, lines):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": message})

    first, *below = lines
    expected = [f"shop:app: the app's lifespan start-up failed: {first}", *(f"    {line}" for line in below)]
    assert expected == boot_failure(app).splitlines()


def test_a_failure_without_a_reason_says_so():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed"})

    assert boot_failure(app) == "shop:app: the app's lifespan start-up failed; it gave no reason"


def test_an_app_that_handles_its_lifespan_and_raises_has_failed():
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            raise RuntimeError("no database")

    line = boot_failure(app).splitlines()[0]

    assert line == "shop:app: the app's lifespan start-up raised RuntimeError: no database"


def test_a_start_up_that_exits_has_failed():
    async def exits(send):
        raise SystemExit(3)

    @contextlib.asynccontextmanager
    async def lifespan(app):
        await exits(None)
        yield

    assert "SystemExit: 3" in boot_failure(Starlette(lifespan=lifespan))


def test_a_start_up_that_takes_too_long_has_failed():
    async def hangs(send):
        await asyncio.get_running_loop().create_future()

    message = boot_failure(lifespan_app(hangs), timeout=0.1)

    assert "was not done after 0.1 s" in message


async def refuses(scope, receive, send):
    raise ValueError(f"unknown scope {scope['type']}")


async def returns(scope, receive, send):
    return


async def answers(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def reads_and_answers(scope, receive, send):
    (await receive())["body"].decode()


@pytest.mark.parametrize("app", [refuses, returns, answers, reads_and_answers])
def test_an_app_without_lifespan_is_fine(boot_app, app):
    assert "asgi" == boot_app(app, server="direct").interface


def test_a_shutdown_that_hangs_does_not_keep_close_from_returning(boot_app):
    async def hangs():
        await asyncio.get_running_loop().create_future()

    booted = boot_app(lifespan_app(shutdown=hangs), server="direct")
    before = time.monotonic()
    booted.close()

    assert time.monotonic() - before < 10
    assert not booted.host.is_alive


def told_after(booted):
    booted.close()
    return [(caveat.slug, caveat.text) for caveat in booted.unseen.caveats()]


@pytest.mark.parametrize("server", ["direct", "bundled"])
def test_a_shutdown_that_raises_is_told(boot_app, server):
    async def raises():
        raise OSError("no disk")

    expected = [("lifespan-failed", "the app's lifespan raised OSError: no disk at its shutdown")]
    assert expected == told_after(boot_app(lifespan_app(shutdown=raises), server=server))


@pytest.mark.parametrize(
    ("message", "reason"), [({"message": "no disk\nis it full?"}, "no disk"), ({}, "it gave no reason")]
)
def test_a_shutdown_that_says_it_failed_is_told(boot_app, message, reason):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", **message})

    expected = [("lifespan-failed", f"the app's lifespan shutdown failed: {reason}")]
    assert expected == told_after(boot_app(app, server="direct"))


@pytest.mark.parametrize("app", [lifespan_app(), refuses])
def test_of_a_shutdown_that_went_well_nothing_is_told(boot_app, app):
    assert [] == told_after(boot_app(app, server="direct"))


def test_the_lifespan_is_none_of_the_apps_tasks(boot_app):
    assert 0 == boot_app(lifespan_app(), server="direct").host.pending_tasks()


def test_what_is_no_app_is_not_booted():
    with pytest.raises(TargetError, match="not an app"):
        boot(object(), timeout=1.0)


def test_an_unknown_server_is_refused():
    with pytest.raises(UsageError, match="server = 'apache': must be one of bundled, direct"):
        boot(returns, server="apache", timeout=1.0)


def test_the_info_names_server_version_interface_and_process(boot_app):
    import os

    from pytest_reqleak import __version__

    info = boot_app(returns).info

    assert ("bundled", __version__, "asgi", os.getpid()) == (
        info.name,
        info.version,
        info.interface,
        info.pid,
    )
