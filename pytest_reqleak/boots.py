"""The apps that tests have booted, each for as long as the fixture that made it lives.

Booting a real app costs from milliseconds to seconds, so tests that share an app
object share its boot: an app fixture of scope `session` is booted once, one of
scope `function` for each test. The app is shut down just before its fixture is
torn down, and an app object is never booted twice at the same time.

Knows lifetimes; not servers, and not what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_reqleak.fixture import name_of
from pytest_reqleak.servers.app import boot_app
from pytest_reqleak.servers.target import load_target

if TYPE_CHECKING:
    from pytest_reqleak.servers.app import BootedApp
    from pytest_reqleak.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One app, booted for tests."""

    app: Any
    """Held here, so that its identity stays its own."""
    booted: BootedApp
    seconds: float
    """What booting took."""
    asked: tuple[Any, ...]
    """The settings it was booted with."""


class Boots:
    """All boots of a session that are alive."""

    def __init__(self) -> None:
        self._by_app: dict[int | str, Boot] = {}

    def boot(
        self, app: Any, settings: Settings, *, before_teardown: Callable[[Callable[[], None]], None]
    ) -> Boot:
        """Boot an app, or give the boot that it has.

        Args:
            app: An app object or an import string.
            settings: Server, interface and concurrency; an app that was booted
                with others, or whose process is gone, is shut down first.
            before_teardown: Takes what to call just before the app's fixture is torn down.

        Raises:
            ReqleakError: It cannot be loaded or did not start.
        """
        plan = settings.plan
        name: str | None
        if isinstance(app, str) and not plan.starts_process:
            target = load_target(app, factory=plan.factory)
            app, name = target.app, target.name
        else:
            name = None if isinstance(app, str) else name_of(app)
        asked = (
            plan.server,
            plan.interface,
            plan.concurrency,
            plan.server_args,
            plan.isolate,
            plan.python_malloc,
            plan.allocator,
        )
        key = _key(app)
        alive = self._by_app.get(key)
        if alive is not None:
            # The process of an app may have died in an earlier test, which has told so.
            if alive.asked == asked and alive.booted.gone() is None:
                return alive
            self.close(app)
        started = time.perf_counter()
        booted = boot_app(app, plan, name=name)
        made = Boot(app=app, booted=booted, seconds=time.perf_counter() - started, asked=asked)
        self._by_app[key] = made
        before_teardown(lambda: self.close(app))
        return made

    def close(self, app: Any) -> None:
        """Shut an app down, if it is booted."""
        alive = self._by_app.pop(_key(app), None)
        if alive is not None:
            alive.booted.close()


def _key(app: Any) -> int | str:
    # An app that only another process loads is known by its import string.
    return app if isinstance(app, str) else id(app)


def before_teardown_of(request: pytest.FixtureRequest, fixture: str) -> Callable[[Callable[[], None]], None]:
    """What registers a call just before a fixture of this request is torn down, whatever its scope."""
    find = getattr(request, "_get_active_fixturedef", None)
    # FixtureDef.addfinalizer is pytest's documented way; only finding the FixtureDef is not.
    definition = find(fixture) if find is not None else None
    register = getattr(definition, "addfinalizer", request.addfinalizer)
    return lambda call: register(call)
