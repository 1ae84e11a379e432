"""The bytes of a response."""

from __future__ import annotations

import pytest

from pytest_reqleak.servers.framing import Framing


def framing(method="GET", version="1.1", keep_alive=True):
    return Framing(method=method, version=version, keep_alive=keep_alive)


def test_a_body_in_one_piece_gets_its_length():
    response = framing()
    response.start(200, [(b"a", b"b")])

    assert (
        response.encode(b"hello", last=True) == b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 5\r\n\r\nhello"
    )


def test_a_body_in_several_pieces_is_chunked():
    response = framing()
    response.start(200, [])

    assert response.encode(b"x" * 17, last=False).endswith(
        b"\r\ntransfer-encoding: chunked\r\n\r\n11\r\n" + b"x" * 17 + b"\r\n"
    )
    assert response.encode(b"", last=False) == b""
    assert response.encode(b"y", last=True) == b"1\r\ny\r\n0\r\n\r\n"


def test_http_1_0_is_never_chunked():
    response = framing(version="1.0")
    response.start(200, [])

    assert response.encode(b"x", last=False) == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nx"
    assert response.keep_alive is False


def test_http_1_0_is_told_that_the_connection_stays():
    response = framing(version="1.0")
    response.start(200, [])

    assert b"connection: keep-alive\r\n" in response.encode(b"x", last=True)


def test_the_transfer_encoding_of_the_app_is_replaced_by_ours():
    response = framing()
    response.start(200, [(b"Transfer-Encoding", b"chunked")])

    assert b"ransfer" not in response.encode(b"x", last=True)


def test_connection_close_of_the_app_is_obeyed_and_sent_once():
    response = framing()
    response.start(200, [(b"Connection", b"Close")])
    head = response.encode(b"", last=True)

    assert response.keep_alive is False
    assert head.lower().count(b"connection:") == 1


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_none(status):
    response = framing()
    response.start(status, [])
    head = response.encode(b"ignored", last=True)

    assert head.endswith(b"\r\n\r\n")
    assert b"content-length" not in head
    assert b"transfer-encoding" not in head


def test_204_has_no_length_even_if_the_app_gives_one():
    response = framing()
    response.start(204, [(b"content-length", b"0")])

    assert b"content-length" not in response.encode(b"", last=True)


def test_304_keeps_the_length_of_what_was_not_sent():
    response = framing()
    response.start(304, [(b"content-length", b"7")])

    assert response.encode(b"", last=True).endswith(b"\r\ncontent-length: 7\r\n\r\n")


def test_head_has_the_length_and_no_body():
    response = framing(method="HEAD")
    response.start(200, [])

    assert response.encode(b"hello", last=True).endswith(b"\r\ncontent-length: 5\r\n\r\n")


@pytest.mark.parametrize("header", [(b"a", b"b\r\nc: d"), (b"a\n", b"b"), (b"a", b"b\rc")])
def test_a_header_with_a_line_break_is_refused_and_another_response_can_follow(header):
    response = framing()
    response.start(200, [(b"content-length", b"1"), header])
    with pytest.raises(ValueError, match="line break"):
        response.encode(b"x", last=True)

    response.start(500, [])
    assert response.encode(b"oops", last=True).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize(("length", "word"), [(b"4", "longer"), (b"6", "shorter")])
def test_a_wrong_length_is_refused_before_anything_is_sent(length, word):
    response = framing()
    response.start(200, [(b"content-length", length)])

    with pytest.raises(RuntimeError, match=word):
        response.encode(b"hello", last=True)
    assert response.begun is False


def test_a_length_that_is_no_number_is_refused():
    response = framing()
    response.start(200, [(b"content-length", b"five")])

    with pytest.raises(ValueError, match="no number"):
        response.encode(b"hello", last=True)


@pytest.mark.parametrize("status", [0, 99, 101, 1000])
def test_what_is_no_final_status_is_refused(status):
    with pytest.raises(ValueError, match="no status"):
        framing().start(status, [])


def test_a_status_without_a_name_has_an_empty_reason():
    response = framing()
    response.start(299, [])

    assert response.encode(b"", last=True).startswith(b"HTTP/1.1 299 \r\n")


def test_the_reason_of_a_wsgi_app_is_kept():
    response = framing()
    response.start(404, [], b"Gone Fishing")

    assert response.encode(b"", last=True).startswith(b"HTTP/1.1 404 Gone Fishing\r\n")
