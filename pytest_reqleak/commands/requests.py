"""The requests of a command line: lines, and a file of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.request import Request, parse_request_line, requests_from_json


def read_requests(lines: Sequence[str], file: str | None) -> tuple[Request, ...]:
    """Read the requests of a command line; `GET /` where it names none."""
    requests = tuple(parse_request_line(line) for line in lines)
    if file is not None:
        requests += _read_file(file)
    return requests or (Request("GET", "/"),)


def _read_file(file: str) -> tuple[Request, ...]:
    try:
        with open(file, "rb") as stream:
            document = json.loads(stream.read(), object_pairs_hook=_object)
    except OSError as error:
        raise UsageError(f"--requests = {file!r}: cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{file}: is no JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is no JSON: it is not encoded as UTF-8") from None
    except ValueError:
        raise UsageError(f"{file}: holds a number of more digits than can be read") from None
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None
    except RecursionError:
        raise UsageError(f"{file}: is nested too deeply") from None
    return requests_from_json(document, place=file)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the file; of a field that stands twice, JSON would silently keep the second."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"the field {twice!r} stands twice in one object: leave one of them out")
    return found
