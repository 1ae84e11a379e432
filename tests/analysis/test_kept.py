"""A line tells what it calls; what stays may be something else."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis import category
from pytest_reqleak.analysis.category_rules import NAMED
from pytest_reqleak.analysis.kept import Kept
from pytest_reqleak.model.finding import Holder, Link, TypeGrowth


def types(*names: str, rate: float = 1.0) -> list[TypeGrowth]:
    return [TypeGrowth(type=name, per_iteration=rate) for name in names]


def holder(**fields) -> Holder:
    return Holder(**{"path": "shop.KEPT", "type": "list", "growth_per_iteration": 1.0, "size": 9, **fields})


@pytest.mark.parametrize(
    "made",
    [
        category.HMAC,
        category.REGEX,
        category.TRACEBACK,
        category.DESCRIPTOR,
        category.JINJA2,
        category.JSON,
        category.NUMPY,
        category.PYDANTIC_MODEL,
        category.HTTP_CLIENT,
        category.ASYNCIO_TASK,
    ],
)
def test_a_text_that_a_call_has_made_is_of_no_kind_but_its_own(made):
    assert category.PYTHON is Kept(types("str"), [holder(entry="str")]).borne_out(made)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (category.HMAC, "hmac.HMAC"),
        (category.HMAC, "_hashlib.HASH"),
        (category.REGEX, "re.Match"),
        (category.REGEX, "re.Pattern"),
        (category.TRACEBACK, "traceback"),
        (category.TRACEBACK, "frame"),
        (category.DESCRIPTOR, "_io.TextIOWrapper"),
        (category.JINJA2, "jinja2.environment.Template"),
        (category.JSON, "dict"),
        (category.NUMPY, "numpy.ndarray"),
        (category.PYDANTIC_MODEL, "shop.Order"),
        (category.CLASS, "pydantic._internal._model_construction.ModelMetaclass"),
        (category.SQLALCHEMY_CACHE_KEY, "sqlalchemy.sql.compiler.SQLCompiler"),
        (category.SQLALCHEMY_COMPILED, "sqlalchemy.dialects.sqlite.base.SQLiteCompiler"),
        (category.SQLALCHEMY_IDENTITY, "sqlalchemy.orm.state.InstanceState"),
        (category.STARLETTE_REQUEST, "starlette.requests.Request"),
        (category.STARLETTE_REQUEST, "starlette.middleware.base._CachedRequest"),
        (category.WERKZEUG_REQUEST, "flask.wrappers.Request"),
    ],
)
def test_what_stays_bears_out_its_own_kind(made, name):
    assert made is Kept(types("str", name)).borne_out(made)
    assert made is Kept(types("str"), [holder(entry=name)]).borne_out(made)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        # Made and never raised, it has no traceback.
        (category.TRACEBACK, "shop.OutOfStockError"),
        (category.SQLALCHEMY_IDENTITY, "sqlalchemy.sql.schema.Table"),
        (category.SQLALCHEMY_CACHE_KEY, "sqlalchemy.sql.selectable.Select"),
    ],
)
def test_a_like_kind_does_not_bear_it_out(made, name):
    assert category.PYTHON is Kept(types("str", name), [holder(entry=name)]).borne_out(made)


@pytest.mark.parametrize("path", ["shop.CAUGHT", "warnings.filters"])
def test_warnings_that_are_kept_elsewhere_are_in_no_registry(path):
    kept = Kept(types("warnings.WarningMessage"), [holder(path=path, entry="tuple")])

    assert category.PYTHON is kept.borne_out(category.WARNINGS)


@pytest.mark.parametrize("made", [category.STARLETTE_REQUEST, category.WERKZEUG_REQUEST])
def test_values_copied_from_a_request_are_data_of_a_request(made):
    assert category.REQUEST_DATA is Kept(types("str", "dict")).borne_out(made)


@pytest.mark.parametrize("made", NAMED.values(), ids=lambda made: made.name)
def test_where_no_type_is_known_every_kind_is_borne_out(made):
    assert made is Kept((), [holder(entry="str")]).borne_out(made)


def test_hooks_are_told_by_where_they_hang():
    way = (Link(step="shop.CLIENT", type="httpx._client.AsyncClient"),)

    assert category.HTTP_CLIENT is Kept(types("function"), [holder(links=way)]).borne_out(
        category.HTTP_CLIENT
    )


def test_requests_that_tracebacks_keep_are_told_as_these():
    kept = Kept(types("shop.Refused", "traceback", "flask.wrappers.Request"), [holder()])

    assert kept.tracebacks
    assert category.TRACEBACK is kept.borne_out(category.WERKZEUG_REQUEST)


def test_a_rare_traceback_is_not_what_entries_are_about():
    rare = [*types("shop.Order"), *types("traceback", rate=0.1)]

    assert not Kept(rare, [holder()]).tracebacks
