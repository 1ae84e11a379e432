"""What a request may be: each wrong one is refused in one line that names the value."""

import re

import pytest

from pytest_reqleak import Request, measure
from pytest_reqleak.commands.requests import read_requests
from pytest_reqleak.errors import TargetError, UsageError
from pytest_reqleak.model.request import parse_request_line
from pytest_reqleak.settings import Given, resolve


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": "/\udcff"}, r"path = '/\udcff': must be text that UTF-8 can encode; "),
        ({"content": "\ud800"}, r"content = '\ud800': must be text that UTF-8 can encode; "),
        ({"headers": {"X": "\ud800"}}, r"headers: X = '\ud800': must be text that UTF-8 can encode; "),
        ({"path": "/{id}"}, "path = '/{id}': has a brace that belongs to no {i}, which becomes the number"),
        ({"path": "/{i"}, "path = '/{i': has a brace that belongs to no {i}"),
        ({"path": "/?id={{i}}"}, "path = '/?id={{i}}': has a brace that belongs to no {i}"),
        ({"headers": None}, "headers = None: must be a dict, or a list of pairs"),
        ({"headers": [("a",)]}, "headers = [('a',)]: must be a dict, or a list of pairs"),
        ({"headers": ["ab"]}, "headers = ['ab']: must be a dict, or a list of pairs"),
        ({"headers": "ab"}, "headers = 'ab': must be a dict, or a list of pairs"),
        ({"expect": "²"}, "expect = '²': must be a status such as 200"),
        ({"expect": "9" * 5000}, "expect = '999"),
        ({"expect": 10**6000}, "expect = (a value of type int that cannot be printed): must be a status"),
        ({"expect": [[200]]}, "expect = [[200]]: must be a status such as 200"),
        ({"json": nested(100_000)}, "json: is nested too deeply"),
        ({"content": nested(100_000)}, "content = (a value of type list that cannot be printed): must be"),
    ],
    ids=lambda value: None if isinstance(value, str) else next(iter(value)),
)
def test_a_wrong_field_is_refused_with_the_value(fields, message):
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        Request(**{"method": "GET", "path": "/", **fields})

    assert "\n" not in str(raised.value)
    assert 400 > len(str(raised.value))


def test_headers_of_an_iterator_are_sent_with_every_request():
    request = Request("GET", "/", headers=iter([("a", "b")]))

    assert [("a", "b")] == request.header_items() == request.header_items()


def test_what_is_no_app_is_named_once():
    with pytest.raises(TargetError, match=r"^what was given is None, not an app: name an ASGI or WSGI"):
        measure(None)


def test_literal_braces_are_percent_encoded():
    assert ("the query string",) == Request("GET", "/%7Bid%7D?n={i}").varying_parts


def test_bytes_of_a_command_line_that_are_no_utf8_are_refused():
    with pytest.raises(UsageError, match=r"^request 'GET /\\udcff': path = '/\\udcff': must be text that"):
        parse_request_line("GET /\udcff")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[{"method": "GET", "path": "/a", "path": "/b"}]',
            "the field 'path' stands twice in one object: leave one of them out",
        ),
        (f'[{{"method": "GET", "path": "/", "json": {"9" * 5000}}}]', "holds a number of more digits than"),
        ("[" * 100_000, "is nested too deeply"),
    ],
    ids=["twice", "digits", "nested"],
)
def test_a_workload_file_that_cannot_be_meant_is_refused(tmp_path, text, message):
    file = tmp_path / "workload.json"
    file.write_text(text)

    with pytest.raises(UsageError, match=rf"^{re.escape(str(file))}: {message}"):
        read_requests([], str(file))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("threshold", 10**400, "is too large a number"),
        ("threshold", "9" * 400, "is too large a number"),
        ("threshold", float("nan"), "must be more than 0 bytes"),
        ("timeout", 10**400, "is too large a number"),
        ("timeout", "inf", "is too large a number"),
        ("iterations", 10**6000, "must be at most 1,000,000,000,000, or 'auto'"),
        ("iterations", 10**13, "must be at most 1,000,000,000,000, or 'auto'"),
    ],
    ids=["bytes", "digits", "nan", "seconds", "inf", "more digits", "count"],
)
def test_a_number_that_nobody_can_mean_is_refused(name, value, message):
    with pytest.raises(UsageError, match=f"^here: {message}$"):
        resolve([{name: Given(value, "here")}])
