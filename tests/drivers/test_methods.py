"""Which methods of requests reach an app on the bundled server."""

from __future__ import annotations

import pytest
from small_apps import Recorder

from pytest_reqleak import measure
from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.request import Request
from pytest_reqleak.servers.methods import _CANDIDATES, is_known

KNOWN = [method for method in _CANDIDATES if is_known(method)]


def test_the_common_ones_are_known():
    assert {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} <= set(KNOWN)


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_all_that_are_known_reach_the_app(drive, interface):
    recorder = Recorder()
    requests = [Request(method, "/") for method in KNOWN]
    drive(getattr(recorder, interface), *requests, server="bundled").run_batch(0, len(KNOWN))

    assert KNOWN == [entry[0] for entry in recorder.seen]


def test_one_that_would_not_reach_it_is_refused_with_those_that_do_before_anything_is_loaded():
    with pytest.raises(UsageError) as caught:
        measure("no_such_module:app", ["GET /", "FOO /a"], server="bundled")

    (line,) = str(caught.value).splitlines()
    assert line.startswith("FOO /a: server = 'bundled' passes no method 'FOO' on to an app: ")
    assert line.endswith(f"one of {', '.join(KNOWN)}")


def test_a_server_that_has_no_parser_takes_any(drive):
    recorder = Recorder()
    drive(recorder.asgi, Request("FOO", "/"), server="direct").run_batch(0, 1)

    assert "FOO" == recorder.seen[0][0]
