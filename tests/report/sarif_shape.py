"""What SARIF 2.1.0 demands of the parts that we write, as a JSON schema that refuses all others.

Written after chapter 3 of the standard; stricter than its own schema, which lets
unknown properties pass in places, and narrower: only what a scanner's log needs.
"""

from __future__ import annotations

from typing import Any


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _list(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


_TEXT = {"type": "string", "minLength": 1}
_MESSAGE = _object("text", text=_TEXT)
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_ARTIFACT = _object(
    "uri",
    # A URI reference: what may stand in it, and percent signs only before two hexadecimal digits.
    uri={"type": "string", "pattern": r"^(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$"},
    uriBaseId={"type": "string", "pattern": "^%[A-Z]+%$"},
)
_REGION = _object("startLine", startLine={"type": "integer", "minimum": 1}, snippet=_MESSAGE)
_LOCATION = _object(
    physicalLocation=_object("artifactLocation", artifactLocation=_ARTIFACT, region=_REGION),
    logicalLocations=_list(_object("name", name=_TEXT, kind=_TEXT), 1),
)
_RULE = _object(
    "id shortDescription",
    id=_TEXT,
    name={"type": "string", "pattern": "^([A-Z][a-z]+)+$"},
    shortDescription=_MESSAGE,
    help=_MESSAGE,
    properties={"type": "object"},
)
_RESULT = _object(
    "ruleId ruleIndex level message partialFingerprints",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    message=_MESSAGE,
    locations=_list(_LOCATION, 1),
    stacks=_list(
        _object("frames", message=_MESSAGE, frames=_list(_object("location", location=_LOCATION), 1))
    ),
    partialFingerprints={"type": "object", "additionalProperties": _TEXT, "minProperties": 1},
    suppressions=_list(_object("kind", kind={"enum": ["inSource", "external"]}, justification=_TEXT)),
    properties={"type": "object"},
)
_DRIVER = _object(
    "name",
    name=_TEXT,
    semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
    informationUri=_TEXT,
    rules=_list(_RULE),
)
SARIF: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        "version runs",
        **{"$schema": {"type": "string", "format": "uri"}},
        version={"const": "2.1.0"},
        runs=_list(
            _object(
                "tool results",
                tool=_object("driver", driver=_DRIVER),
                columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                results=_list(_RESULT),
            ),
            1,
        ),
    ),
}
