"""Apps that are served by processes of their own; each misbehaves in one way, or not."""

import asyncio
import os
import signal
import sys
import time

KEPT = []
AT = 40
"""The request at which an app misbehaves."""


def asgi_app(at=None, before=None, after=None, lifespan=None):
    """Make an app that answers with its process's id, and does something at one request."""
    count = 0

    async def app(scope, receive, send):
        nonlocal count
        if scope["type"] == "lifespan":
            await receive()
            await (lifespan or complete)(send)
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        count += 1
        if before is not None and count == at:
            before()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % os.getpid()})
        if after is not None and count == at:
            after()

    return app


async def complete(send):
    await send({"type": "lifespan.startup.complete"})


async def fail(send):
    await send({"type": "lifespan.startup.failed", "message": "there is no database"})


async def hang(send):
    await asyncio.sleep(3600)


def crash():
    print("about to crash", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def block():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(3600)


clean = asgi_app()
crashing = asgi_app(AT, before=crash)
blocking = asgi_app(AT, before=block)
stopping = asgi_app(AT, after=stop)
not_starting = asgi_app(lifespan=fail)
starting_for_ever = asgi_app(lifespan=hang)


def make_clean():
    return asgi_app()


async def leaky(scope, receive, send):
    if scope["type"] == "http":
        KEPT.append({"path": scope["path"]})
    await clean(scope, receive, send)


async def raising(scope, receive, send):
    if scope["type"] == "lifespan":
        await clean(scope, receive, send)
    raise ValueError("this app is broken")


async def environment(scope, receive, send):
    """Answer with what the app sees of our settings."""
    if scope["type"] == "lifespan":
        await clean(scope, receive, send)
        return
    names = ("REQLEAK_WORKER", "PYTHONPATH", "PYTHONMALLOC", "GLIBC_TUNABLES", "LD_PRELOAD", "MINE")
    seen = "\n".join(f"{name}={os.environ.get(name)}" for name in names)
    seen += f"\nloads={sys.modules['tests.servers.outside_apps'].__name__}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": seen.encode()})


def wsgi(environ, start_response):
    start_response("200 OK", [("content-length", "2")])
    return [b"ok"]


def wsgi_leaky(environ, start_response):
    KEPT.append({"path": environ["PATH_INFO"]})
    return wsgi(environ, start_response)


async def rsgi(scope, protocol):
    protocol.response_str(200, [], "ok")


class Both:
    """Speaks ASGI and RSGI, and tells which it was asked in."""

    async def __call__(self, scope, receive, send):
        await clean(scope, receive, send)

    async def __rsgi__(self, scope, protocol):
        KEPT.append({"path": scope.path})
        protocol.response_str(200, [], "ok")


both = Both()
