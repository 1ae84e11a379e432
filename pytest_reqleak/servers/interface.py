"""Tell how an app wants to be called.

Looks at the object only and never calls it. Where nothing about the object
says which interface it speaks, the user is asked rather than guessed at.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pytest_reqleak.errors import TargetError

INTERFACES = ("asgi", "wsgi")
"""What the servers in this process speak; RSGI is Granian's own."""

_ONLY_RSGI = "is an RSGI app, which only Granian speaks: choose server = 'granian'"
_SCOPE_NAMES = frozenset({"scope"})
_ENVIRON_NAMES = frozenset({"environ", "env", "environment", "wsgi_environ"})


def detect_interface(app: Any, *, name: str | None = None) -> str:
    """Tell whether `app` is called as ASGI 3 or as WSGI.

    Args:
        app: The app object: an instance, a function, a `functools.partial`, or
            a class that follows WSGI's calling convention itself.
        name: What messages call it; None: its `repr`, shortened.

    Returns:
        `"asgi"` or `"wsgi"`.

    Raises:
        TargetError: It is neither, or cannot be told.
    """
    label = name or _label(app)
    _refuse_uncallable(app, label)
    interface = _interface_of(app)
    if interface is not None:
        return interface
    raise TargetError(f"{label} {_why_not(app)}")


def choose_interface(
    app: Any, wanted: str, *, name: str | None = None, server: str = "", spoken: tuple[str, ...] = INTERFACES
) -> str:
    """Settle on the interface: the one asked for, or for `auto` the detected one.

    Args:
        app: The app object.
        wanted: `auto`, or one that the server speaks.
        name: What messages call the app.
        server: What messages call the server.
        spoken: The interfaces that the server speaks.

    Raises:
        TargetError: `app` cannot be called in the way that was asked for, or in none
            that the server speaks.
    """
    if "rsgi" in spoken and _is_rsgi(app):
        # An app may speak both; what most servers speak comes first.
        if wanted == "rsgi" or (wanted == "auto" and _interface_of(app) != "asgi"):
            return "rsgi"
    elif wanted == "rsgi" and "rsgi" not in spoken:
        raise TargetError(
            f"interface = 'rsgi': {server or 'a server in this process'} speaks {' and '.join(spoken)}; "
            "choose one of these, or server = 'granian'"
        )
    elif wanted == "rsgi":
        raise TargetError(
            f"{name or _label(app)} is no RSGI app, which has a method __rsgi__ or is an async function "
            "of (scope, protocol): set interface to 'asgi' or 'wsgi'"
        )
    if wanted == "auto":
        found = detect_interface(app, name=name)
        if found not in spoken:
            raise TargetError(
                f"{name or _label(app)} is an app for {found}, which {server} does not speak: "
                "choose another server"
            )
        return found
    label = name or _label(app)
    _refuse_uncallable(app, label)
    detected = _interface_of(app)
    if detected is None and _is_rsgi(app):
        raise TargetError(f"{label} {_why_not(app)}")
    if detected is not None and detected != wanted:
        raise TargetError(
            f"{label} is an app for {detected}, but interface = {wanted!r} was asked for: "
            f"leave it out or set it to {detected!r}"
        )
    return wanted


def _refuse_uncallable(app: Any, label: str) -> None:
    if hasattr(app, "__rsgi__") and not callable(app):
        raise TargetError(f"{label} {_ONLY_RSGI}")
    if not callable(app):
        raise TargetError(f"{label} is {_kind(app)}, not an app: name an ASGI or WSGI callable")


def _is_rsgi(app: Any) -> bool:
    if hasattr(app, "__rsgi__"):
        return True
    called = _called(app) if callable(app) else None
    return called is not None and _is_coroutine(called) and _binds(called, 2) and not _binds(called, 3)


def is_coroutine_app(app: Any) -> bool:
    """Whether calling the app gives a coroutine, so that it can become a task as it is."""
    return inspect.iscoroutinefunction(_called(app))


def looks_like_app(candidate: Any) -> bool:
    """Whether an object found in a module is likely to be what the user meant.

    Stricter than `detect_interface`: any function of two parameters could be
    called as WSGI, so a function must also name its parameters as apps do.
    """
    if isinstance(candidate, (type, ModuleType)) or not callable(candidate):
        return False
    if inspect.isroutine(candidate):
        first = _parameter_names(candidate)[:1]
        if not first or first[0] not in _SCOPE_NAMES | _ENVIRON_NAMES:
            return False
    return _interface_of(candidate) is not None


def looks_like_factory(candidate: Any) -> bool:
    """Whether an object is a function that can be called without arguments."""
    return inspect.isroutine(candidate) and _binds(candidate, 0) and _interface_of(candidate) is None


def _interface_of(app: Any) -> str | None:
    called = _called(app)
    if isinstance(app, type):
        # PEP 3333 lets a class be the app: its instances are then the iterable.
        return "wsgi" if _binds(app, 2) and not _binds(app, 1) and hasattr(app, "__iter__") else None
    if _is_coroutine(app) or _is_coroutine(called):
        return "asgi" if _binds(called, 3) else None
    as_asgi, as_wsgi = _binds(called, 3), _binds(called, 2)
    if as_asgi and as_wsgi:
        first = _parameter_names(called)[:1]
        if hasattr(app, "wsgi_app") or set(first) & _ENVIRON_NAMES:
            return "wsgi"
        return "asgi" if set(first) & _SCOPE_NAMES else None
    if as_asgi:
        return "asgi"
    return "wsgi" if as_wsgi else None


def _is_coroutine(called: Callable[..., Any]) -> bool:
    if inspect.iscoroutinefunction(called):
        return True
    # asgiref and asyncio mark functions that return coroutines without being `async def`.
    marker = getattr(called, "_is_coroutine", None) or getattr(called, "_is_coroutine_marker", None)
    return marker is not None and not inspect.isroutine(marker) and type(marker).__name__ == "object"


def _called(app: Any) -> Callable[..., Any]:
    """The function that runs when the app is called, still without its first arguments."""
    while isinstance(app, functools.partial):
        if app.args or app.keywords:
            # What is bound already must not be counted again: keep the partial itself.
            return app
        app = app.func
    if inspect.isroutine(app) or isinstance(app, type):
        found: Callable[..., Any] = app
        return found
    call: Callable[..., Any] = app.__call__
    return call


def _binds(called: Callable[..., Any], arguments: int) -> bool:
    try:
        inspect.signature(called).bind(*(None,) * arguments)
    except (TypeError, ValueError):
        return False
    return True


def _parameter_names(called: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(_called(called)).parameters)
    except (TypeError, ValueError):
        return []


def _why_not(app: Any) -> str:
    called = _called(app)
    if isinstance(app, type):
        if _binds(app, 1) and not _binds(app, 0):
            return "is a class that takes the scope: ASGI 2 apps are not supported, wrap it as ASGI 3"
        return "is a class, not an app: name an instance of it, or pass --factory (factory=True) to make one"
    if hasattr(app, "__rsgi__"):
        return _ONLY_RSGI
    if _binds(called, 3) and _binds(called, 2):
        return "can be called as ASGI and as WSGI: set interface to 'asgi' or 'wsgi'"
    if looks_like_factory(app):
        return (
            "is called without arguments, so it looks like an app factory: "
            "pass --factory (factory=True) to call it"
        )
    if inspect.isroutine(app) and _binds(called, 1) and not _binds(called, 2):
        return (
            "takes one argument: ASGI 2 apps are not supported; an ASGI app takes "
            "(scope, receive, send), a WSGI app (environ, start_response)"
        )
    hint = "; as RSGI (scope, protocol) only Granian calls it: choose server = 'granian'"
    return (
        f"is {_kind(app)}, which is called neither as ASGI (scope, receive, send) "
        f"nor as WSGI (environ, start_response){hint if _is_rsgi(app) else ''}"
    )


def _kind(app: Any) -> str:
    if app is None:
        return "None"
    if inspect.isroutine(app):
        return "a function"
    kind = type(app)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"an object of type {name}"


def _label(app: Any) -> str:
    name = getattr(app, "__qualname__", None)
    if isinstance(name, str) and (inspect.isroutine(app) or isinstance(app, type)):
        return f"{app.__module__}.{name}"
    return f"the app of type {type(app).__module__}.{type(app).__qualname__}"
