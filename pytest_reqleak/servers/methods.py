"""Which methods the bundled server passes on to an app: those that its parser knows."""

from __future__ import annotations

from collections.abc import Iterable

import httptools

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.request import Request

# Those with an RFC, and what caches add; the parser is asked, since its older versions know fewer.
_CANDIDATES = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"),
    *("COPY", "MOVE", "LOCK", "UNLOCK", "MKCOL", "PROPFIND", "PROPPATCH", "SEARCH", "ACL", "BIND"),
    *("UNBIND", "REBIND", "LINK", "UNLINK", "REPORT", "CHECKOUT", "MERGE", "MKACTIVITY", "MKCALENDAR"),
    *("NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH", "PURGE", "SOURCE"),
)


def check_methods(requests: Iterable[Request]) -> None:
    """Refuse what our own server would answer 400 itself.

    Raises:
        UsageError: A method is none that the parser knows; those that are stand in the message.
    """
    for request in requests:
        if not is_known(request.method):
            known = ", ".join(filter(is_known, _CANDIDATES))
            raise UsageError(
                f"{request.title}: server = 'bundled' passes no method {request.method!r} on to an app: "
                f"choose server = 'direct', or one of {known}"
            )


def is_known(method: str) -> bool:
    """Whether the parser takes a request with that method."""
    try:
        httptools.HttpRequestParser(object()).feed_data(b"%b / HTTP/1.1\r\n\r\n" % method.encode("ascii"))
    except httptools.HttpParserUpgrade:
        return True
    except httptools.HttpParserError:
        return False
    return True
