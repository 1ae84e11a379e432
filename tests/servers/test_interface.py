"""Telling ASGI from WSGI by looking."""

from __future__ import annotations

import functools
import json

import flask
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from pytest_reqleak.errors import TargetError
from pytest_reqleak.servers.interface import choose_interface, detect_interface, looks_like_app


async def asgi(scope, receive, send):
    pass


def asgi_by_hand(scope, receive, send):
    return asgi(scope, receive, send)


def wsgi(environ, start_response):
    return []


def wsgi_with_option(environ, start_response, debug=False):
    return []


async def asgi_with_option(scope, receive, send, *, debug=False):
    pass


async def asgi_configured(settings, scope, receive, send):
    pass


def wsgi_configured(settings, environ, start_response):
    return []


class Asgi:
    async def __call__(self, scope, receive, send):
        pass

    async def method(self, scope, receive, send):
        pass


class AsgiByHand:
    def __call__(self, scope, receive, send):
        return asgi(scope, receive, send)


class Wsgi:
    def __call__(self, environ, start_response):
        return []


class WsgiItself:
    def __init__(self, environ, start_response):
        pass

    def __iter__(self):
        return iter([])


class Asgi2:
    def __init__(self, scope):
        pass

    async def __call__(self, receive, send):
        pass


class Factory:
    def __call__(self):
        return asgi


class Rsgi:
    def __rsgi__(self, scope, protocol):
        pass

    def __call__(self):
        pass


class OnlyRsgi:
    def __rsgi__(self, scope, protocol):
        pass


def asgi2(scope):
    return asgi


def create_app():
    return asgi


def create_app_with_option(config=None):
    return asgi


def anything(*args):
    pass


@functools.wraps(asgi)
def wrapped(*args, **kwargs):
    return asgi(*args, **kwargs)


@pytest.mark.parametrize(
    ("app", "interface"),
    [
        (FastAPI(), "asgi"),
        (Starlette(), "asgi"),
        (flask.Flask("x"), "wsgi"),
        (flask.Flask("x").wsgi_app, "wsgi"),
        (asgi, "asgi"),
        (asgi_by_hand, "asgi"),
        (asgi_with_option, "asgi"),
        (wrapped, "asgi"),
        (wsgi, "wsgi"),
        (wsgi_with_option, "wsgi"),
        (functools.partial(asgi), "asgi"),
        (functools.partial(asgi_configured, {}), "asgi"),
        (functools.partial(wsgi_configured, {}), "wsgi"),
        (functools.partial(wsgi_configured, settings={}), None),
        (functools.partial(Asgi()), "asgi"),
        (Asgi(), "asgi"),
        (Asgi().method, "asgi"),
        (AsgiByHand(), "asgi"),
        (Wsgi(), "wsgi"),
        (WsgiItself, "wsgi"),
        (lambda environ, start_response: [], "wsgi"),
        (lambda scope, receive, send: None, "asgi"),
    ],
)
def test_the_interface_is_told_by_looking(app, interface):
    if interface is None:
        with pytest.raises(TargetError):
            detect_interface(app)
    else:
        assert interface == detect_interface(app)


@pytest.mark.parametrize(
    ("app", "says"),
    [
        (None, "shop:app is None, not an app"),
        (json, "is an object of type module, not an app"),
        ("shop", "is an object of type str, not an app"),
        (object(), "is an object of type object, not an app"),
        (Asgi, "is a class, not an app: name an instance of it"),
        (Asgi2, "ASGI 2 apps are not supported"),
        (asgi2, "ASGI 2 apps are not supported"),
        (create_app, "looks like an app factory: pass --factory (factory=True)"),
        (create_app_with_option, "looks like an app factory"),
        (Factory(), "which is called neither as ASGI (scope, receive, send) nor as WSGI"),
        (Rsgi(), "is an RSGI app"),
        (OnlyRsgi(), "is an RSGI app, which only Granian speaks: choose server = 'granian'"),
        (anything, "set interface to 'asgi' or 'wsgi'"),
        (json.loads, "ASGI 2"),
    ],
)
def test_what_is_no_app_is_named_in_one_line(app, says):
    with pytest.raises(TargetError) as caught:
        detect_interface(app, name="shop:app")

    message = str(caught.value)
    assert says in message
    assert message.startswith("shop:app ")
    assert "\n" not in message


@pytest.mark.parametrize(("app", "wanted", "detected"), [(wsgi, "asgi", "wsgi"), (asgi, "wsgi", "asgi")])
def test_the_other_interface_than_the_apps_own_is_refused(app, wanted, detected):
    with pytest.raises(TargetError, match=f"an app for {detected}, but interface = '{wanted}'"):
        choose_interface(app, wanted)


def test_where_nothing_can_be_told_the_user_decides():
    assert ["asgi", "wsgi"] == [choose_interface(anything, wanted) for wanted in ("asgi", "wsgi")]


def test_what_cannot_be_called_is_refused_whatever_the_user_says():
    with pytest.raises(TargetError, match="not an app"):
        choose_interface(None, "asgi")


@pytest.mark.parametrize("app", [OnlyRsgi(), asgi])
def test_rsgi_where_the_server_does_not_speak_it_is_refused_whatever_the_app_is(app):
    with pytest.raises(TargetError, match="'rsgi': a server in this process speaks asgi and wsgi; choose"):
        choose_interface(app, "rsgi")


def test_without_a_name_the_message_says_what_the_object_is():
    with pytest.raises(TargetError, match=r"test_interface.create_app is called without arguments"):
        detect_interface(create_app)


def test_only_functions_whose_parameters_say_so_are_suggested_as_apps():
    assert [True, True, True, False, False, False, False] == [
        looks_like_app(candidate) for candidate in (asgi, wsgi, FastAPI(), json.load, max, Asgi, json)
    ]
