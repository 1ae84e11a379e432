"""SARIF 2.1.0: the format in which code scanners hand their results to each other.

Source: OASIS standard "Static Analysis Results Interchange Format", 2.1.0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from pytest_reqleak.model.finding import Frame
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.line_notes import (
    ERROR,
    WARNING,
    LineNote,
    is_relative,
    line_notes,
    relative_path,
)
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.paths import working_folder

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {ERROR: "error", WARNING: "warning"}
_RULES = {
    "leak": "Every request leaves memory behind",
    "leak-python": "Every request leaves Python objects behind",
    "leak-native": "Every request leaves memory of native code behind",
    "leak-allocator": "The resident memory rises though nothing live grows",
    "leak-cycles": "Every request leaves reference cycles behind",
    "leak-resource": "Every request leaves threads, tasks or descriptors behind",
    "leak-bounded": "A container that grows with the requests has not reached its bound",
    "inconclusive": "It is not certain whether requests leave memory behind",
}
_ROOT = "SRCROOT"


def sarif_report(runs: Sequence[Run], *, root: str | None = None) -> str:
    """Render runs as one SARIF log with one run of the tool.

    Args:
        runs: Of a session; clean ones have no results.
        root: Folder of the repository; None: the working folder.
    """
    from pytest_reqleak import __version__

    folder = working_folder() if root is None else root
    notes = line_notes(runs, root=folder)
    rules = list(dict.fromkeys(note.rule for note in notes))
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "pytest-reqleak",
                        "semanticVersion": __version__,
                        "rules": [_rule(name) for name in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(note, rules.index(note.rule), folder) for note in notes],
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    text = _RULES.get(name, _RULES["leak"])
    return {
        "id": name,
        "name": "".join(word.title() for word in name.split("-")),
        "shortDescription": {"text": text},
        "help": {
            "text": f"{text}. The note names what was allocated at this line and what holds it: give the "
            "holder a bound, or take entries out when their request is done."
        },
        "properties": {"tags": ["memory", "leak"]},
    }


def _result(note: LineNote, rule: int, root: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": note.rule,
        "ruleIndex": rule,
        "level": _LEVELS.get(note.level, "note"),
        "message": {"text": note.text},
        "partialFingerprints": {"reqleak/v1": note.fingerprint},
        "properties": {
            "bytesPerIteration": note.bytes_per_iteration,
            "runs": [printable(test) for test in note.tests],
        },
    }
    if note.path:
        region: dict[str, Any] = {"startLine": note.line}
        if note.code:
            region["snippet"] = {"text": printable(note.code)}
        result["locations"] = [
            {"physicalLocation": {"artifactLocation": _artifact(note.path), "region": region}}
        ]
    if note.site is not None and len(note.site.frames) > 1:
        frames = [_frame(frame, root) for frame in reversed(note.site.stack)]
        result["stacks"] = [{"message": {"text": "Where it is allocated"}, "frames": frames}]
    if note.accepted:
        result["suppressions"] = [{"kind": "external", "justification": printable(note.accepted)}]
    return result


def _frame(frame: Frame, root: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(relative_path(frame.file, root)),
            "region": {"startLine": max(1, frame.line)},
        }
    }
    if frame.function:
        location["logicalLocations"] = [{"name": printable(frame.function), "kind": "function"}]
    return {"location": location}


def _artifact(path: str) -> dict[str, str]:
    """A file as a URI; one in the repository is relative to its root."""
    if is_relative(path):
        return {"uri": quote(path, errors="backslashreplace"), "uriBaseId": f"%{_ROOT}%"}
    pure = PurePath(path)
    if pure.is_absolute() and "\0" not in path:
        return {"uri": "file://" + quote(f"/{pure.as_posix().lstrip('/')}", errors="backslashreplace")}
    # Generated code has a name, such as <string>, but no file.
    return {"uri": quote(path, errors="backslashreplace")}
