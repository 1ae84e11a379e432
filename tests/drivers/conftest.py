"""Apps booted for a test, with a driver, and closed after it."""

from __future__ import annotations

import pytest

from pytest_reqleak.drivers.driver import make_driver
from pytest_reqleak.servers.booted import boot

BOOT_SECONDS = 10.0
REQUEST_SECONDS = 10.0


@pytest.fixture(params=["direct", "bundled"])
def server(request):
    """Each server in turn: what the drivers promise holds on both."""
    return request.param


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


@pytest.fixture
def drive(boot_app):
    """Boot an app and make its driver."""
    drivers = []

    def make(app, *requests, server, concurrency=1, request_seconds=REQUEST_SECONDS, interface="auto"):
        booted = boot_app(app, server=server, concurrency=concurrency, interface=interface)
        driver = make_driver(booted, requests, concurrency=concurrency, request_seconds=request_seconds)
        driver.booted = booted
        drivers.append(driver)
        return driver

    yield make
    for driver in drivers:
        driver.close()
