"""Apps booted for a test, and closed after it."""

from __future__ import annotations

import pytest

from pytest_reqleak.servers.booted import boot

BOOT_SECONDS = 10.0


@pytest.fixture
def boot_app():
    opened = []

    def make(app, **settings):
        booted = boot(app, timeout=BOOT_SECONDS, **settings)
        opened.append(booted)
        return booted

    yield make
    for booted in opened:
        booted.close()
