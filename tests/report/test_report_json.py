from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from run_strategies import runs
from sample_runs import EVERY_RUN, RUNS, hostile_run, pydantic_run

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.meter import Cause, Meter, Phase, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.formats import FORMATS, render
from pytest_reqleak.report.json import read_runs, run_from_json, run_to_json, schema, write_run, write_runs

CONTRACT = {
    "schema",
    "verdict",
    "reason",
    "classification",
    "target",
    "server",
    "iterations",
    "batches",
    "warmup_iterations",
    "bytes_per_iteration",
    "blocks_per_iteration",
    "threshold",
    "growth",
    "samples",
    "sites",
    "explained",
    "types",
    "holders",
    "culprits",
    "caveats",
    "seconds",
}


def strict(part: Any) -> Any:
    """The schema without its patience for keys that a later version adds: we write none of those."""
    if isinstance(part, list):
        return [strict(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    closed = {key: strict(value) for key, value in part.items()}
    if "properties" in part and part.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


VALIDATOR = jsonschema.Draft202012Validator(strict(schema()))


def validate(document: Any) -> None:
    VALIDATOR.validate(document)


@given(run=runs)
def test_a_run_survives_json(run: Run) -> None:
    assert run == run_from_json(json.loads(json.dumps(run_to_json(run), allow_nan=False)))


@given(run=runs)
def test_every_document_obeys_the_schema(run: Run) -> None:
    validate(run_to_json(run))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", RUNS)
def test_a_document_holds_what_the_contract_names(name: str) -> None:
    assert CONTRACT <= set(run_to_json(RUNS[name]()))


def test_the_document_of_a_leak_is_the_golden_one(matches_golden: Any, tmp_path: Any) -> None:
    write_run(tmp_path / "run.json", pydantic_run())

    matches_golden("pydantic.json", (tmp_path / "run.json").read_text().rstrip("\n"))


def test_the_schema_lets_keys_of_a_later_version_pass() -> None:
    later = {**run_to_json(pydantic_run()), "surprise": 1}

    jsonschema.Draft202012Validator(schema()).validate(later)
    with pytest.raises(jsonschema.ValidationError):
        validate(later)


FIRST = Path(__file__).parents[1] / "golden/schema-1/first.json"


def test_a_file_that_the_first_version_wrote_is_still_read() -> None:
    (run,) = read_runs(FIRST)

    assert ("shop.main:app", 553.2, 119) == (run.target, run.bytes_per_iteration, len(run.samples))
    assert "POST /orders" == run.culprits[0].request
    assert ("", None) == (run.test, run.baseline)


def test_every_key_that_came_later_is_told_in_the_history() -> None:
    history = (resources.files("pytest_reqleak.report") / "schema/HISTORY.md").read_text(encoding="utf-8")
    parts = {name: part for name, part in schema()["$defs"].items() if name not in ("samples", "session")}
    parts["server"] = parts["run"]["properties"]["server"]
    parts["culprit"] = parts["run"]["properties"]["culprits"]["items"]

    for name, part in parts.items():
        later = set(part.get("properties", ())) - set(part.get("required", ()))
        assert not later - set(re.findall(r"`(\w+)`", history)), name


def test_the_schema_still_allows_what_the_first_version_wrote() -> None:
    validate(json.loads(FIRST.read_text("utf-8")))


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_the_first_version_wrote_is_shown_in_every_form(name: str) -> None:
    assert render(name, read_runs(FIRST))


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (Verdict, ("run", "properties", "verdict", "enum")),
        (Cause, ("run", "properties", "classification", "items", "enum")),
        (Meter, ("growth", "properties", "meter", "enum")),
        (Phase, ("samples", "properties", "phase", "items", "enum")),
    ],
)
def test_the_schema_knows_every_word_of_the_model(words: Any, place: tuple[str, ...]) -> None:
    known = schema()["$defs"]
    for key in place:
        known = known[key]

    assert [word.value for word in words] == known


def test_the_schema_has_a_column_for_every_meter() -> None:
    columns = schema()["$defs"]["samples"]["properties"]

    assert {meter.value for meter in Meter} == set(columns) - {"iterations", "seconds", "phase"}


def test_an_unbounded_interval_is_null() -> None:
    document = run_to_json(EVERY_RUN["inconclusive"]())

    assert [-0.1, None] == [growth["low"] for growth in document["growth"]]


@pytest.mark.parametrize("name", EVERY_RUN)
def test_a_file_of_one_run_is_read_back(name: str, tmp_path: Any) -> None:
    write_run(tmp_path / "run.json", EVERY_RUN[name]())

    assert (EVERY_RUN[name](),) == read_runs(tmp_path / "run.json")


def test_a_session_is_read_back_in_order(tmp_path: Any) -> None:
    session = tuple(make() for make in EVERY_RUN.values())
    write_runs(tmp_path / "session.json", session)

    assert session == read_runs(tmp_path / "session.json")


def test_a_session_obeys_the_schema(tmp_path: Any) -> None:
    write_runs(tmp_path / "session.json", [pydantic_run(), hostile_run()])

    document = json.loads((tmp_path / "session.json").read_text())
    validate(document)
    assert [1, 2] == [document["schema"], len(document["runs"])]


def test_each_meter_takes_one_line_of_the_file(tmp_path: Any) -> None:
    write_run(tmp_path / "run.json", pydantic_run())

    lines = (tmp_path / "run.json").read_text().splitlines()
    assert 1 == sum('"live_blocks": [' in line for line in lines)
    assert len(lines) < 250


def test_no_run_is_not_written(tmp_path: Any) -> None:
    (tmp_path / "old.json").write_text("old")

    with pytest.raises(UsageError, match=r"old\.json': nothing was measured"):
        write_runs(tmp_path / "old.json", [])

    assert "old" == (tmp_path / "old.json").read_text()


def test_keys_of_a_later_minor_version_are_passed_over() -> None:
    assert pydantic_run() == run_from_json({**run_to_json(pydantic_run()), "later": [1]})


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(run_to_json(pydantic_run())))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    if to is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (3, "file: is no report of pytest-reqleak: it has no 'schema'"),
        ({}, "file: is no report of pytest-reqleak: it has no 'schema'"),
        (
            {"schema": 2},
            "file: was written by a newer pytest-reqleak (schema 2, this one reads up to 1); "
            "update pytest-reqleak to read it",
        ),
        ({"schema": 0}, "file: schema = 0: must be at least 1"),
        ({"schema": "one"}, 'file: schema = "one": must be a whole number'),
        ({"schema": True}, "file: schema = true: must be a whole number"),
        (changed("verdict", to="maybe"), 'file: verdict = "maybe": must be one of clean, leak, inconclusive'),
        (changed("verdict", to=KeyError), "file: field 'verdict' is missing"),
        (changed("server", to=[]), "file: server = []: must be an object"),
        (changed("server", "pid", to=-1), "file: server.pid = -1: must be 0 or more"),
        (
            changed("sites", 0, "frames", 2, "line", to=1.5),
            "file: sites[0].frames[2].line = 1.5: must be a whole number",
        ),
        (
            changed("sites", 0, "frames", 2, "own", to=1),
            "file: sites[0].frames[2].own = 1: must be true or false",
        ),
        (changed("threshold", to="16 B"), 'file: threshold = "16 B": must be a number'),
        (changed("threshold", to=10**400), f"file: threshold = 1{'0' * 56}...: is too large a number"),
        (changed("requests", to={"a": 1}), 'file: requests = {"a": 1}: must be a list'),
        (changed("reason", to=None), "file: reason = null: must be text"),
        (changed("seconds", to=None), "file: seconds = null: must be an object"),
        (
            changed("samples", "live_blocks", to=[1]),
            "file: samples.live_blocks has 1 entries where 'iterations' has 119: every sample needs one",
        ),
        (
            changed("samples", "iterations", 3, to=1),
            "file: samples.iterations must not fall from sample to sample",
        ),
    ],
)
def test_a_wrong_document_is_refused_in_one_line(document: Any, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        run_from_json(document, place="file")

    assert message == str(refusal.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "run.json' is not complete JSON (line 1, column 1: Expecting value); was it cut short?"),
        (b'{"schema": 1, "verd', "was it cut short?"),
        (b"\xff\xfe", "run.json' is no JSON report: 'utf-8' codec can't decode byte"),
        (b'{"schema": NaN}', "run.json' is no JSON report: NaN is no JSON number"),
        (b"[" * 100_000, "run.json' is no"),
        (b'{"schema": 1, "runs": [{"schema": 9}]}', "runs[0]: was written by a newer"),
        (b'{"schema": 1, "runs": [{}]}', "run.json: runs[0]: is no report"),
        (b'{"schema": 7, "runs": []}', "run.json: was written by a newer"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content: bytes, message: str, tmp_path: Any) -> None:
    (tmp_path / "run.json").write_bytes(content)

    with pytest.raises(UsageError) as refusal:
        read_runs(tmp_path / "run.json")

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match=r"cannot read '.*gone\.json': No such file"):
        read_runs(tmp_path / "gone.json")


def test_a_cut_file_is_refused_wherever_it_was_cut(tmp_path: Any) -> None:
    write_run(tmp_path / "run.json", pydantic_run())
    whole = (tmp_path / "run.json").read_bytes()

    for size in range(0, len(whole) - 2, 97):
        (tmp_path / "run.json").write_bytes(whole[:size])
        with pytest.raises(UsageError):
            read_runs(tmp_path / "run.json")
