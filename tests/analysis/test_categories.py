"""Categories: told by true leaks of true libraries, each traced in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pytest_reqleak.analysis.categories import categorize, category_of_holder
from pytest_reqleak.analysis.category import PYTHON, Category
from pytest_reqleak.analysis.category_rules import NAMED, RULES, Rule
from pytest_reqleak.model.finding import Frame

PROJECT = str(Path(__file__).parents[2])

TRACE = """
import gc, json, shop
from pytest_reqleak.agent.holders import HolderSearch
from pytest_reqleak.agent.tracers import make_tracer
from pytest_reqleak.analysis.ranking import rank_sites
for i in range(60): shop.request(i)
search = HolderSearch()
search.mark()
tracer = make_tracer("tracemalloc")
tracer.start(32)
tracer.mark(0)
for window in range(1, 4):
    for i in range(20): shop.request(1000 * window + i)
    gc.collect()
    tracer.mark(20 * window)
total = tracer.bytes_per_iteration()
holders = search.grown(60)
sites, explained = rank_sites(tracer.growth(), total, holders=holders)
tracer.stop()
# The loop above counts as the user's own, and Python 3.10 books frames on their caller.
site = next(site for site in sites if site.frames[0].file == shop.__file__)
lead = site.frames[0]
print(json.dumps([site.category, lead.line, lead.own, explained]))
"""

# Category, package it needs, number of the leaking line, source.
LEAKS = [
    (
        "pydantic model", "pydantic", 4, """
        from pydantic import BaseModel
        class Order(BaseModel): id: int; note: str
        RECENT = []
        def request(i): RECENT.append(Order(id=i, note=f"note {i}"))
        """,
    ),
    (
        "pydantic model construction", "pydantic", 3, """
        from pydantic import create_model
        MODELS = []
        def request(i): MODELS.append(create_model(f"Row{i}", id=(int, ...)))
        """,
    ),
    (
        "sqlalchemy cache key", "sqlalchemy", 8, """
        import sqlalchemy as sa
        engine = sa.create_engine("sqlite://")
        orders = sa.table("orders", sa.column("id"))
        COMPILED = {}
        connection = engine.connect().execution_options(compiled_cache=COMPILED)
        connection.exec_driver_sql("create table orders (id integer)")
        def request(i):
            connection.execute(sa.select(orders.c.id.label(f"id_{i}")).where(orders.c.id == i)).all()
        """,
    ),
    (
        "sqlalchemy identity map",
        "sqlalchemy",
        10,
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import Session, declarative_base
        class Note(declarative_base()):
            __tablename__ = "note"
            id = sa.Column(sa.Integer, primary_key=True)
        engine = sa.create_engine("sqlite://")
        Note.metadata.create_all(engine)
        session, RECENT = Session(engine), []
        def request(i):
            note = Note(id=i)
            session.add(note)
            session.commit()
            RECENT.append(note)
        """,
    ),
    (
        "sqlalchemy rows",
        "sqlalchemy",
        5,
        """
        import sqlalchemy as sa
        connection = sa.create_engine("sqlite://").connect()
        KEPT = []
        def request(i):
            KEPT.append(connection.execute(sa.text("select :a, 'text' || :a"), {"a": i}).all())
        """,
    ),
    (
        "functools cache",
        "functools",
        4,
        """
        import functools
        @functools.lru_cache(maxsize=None)
        def price(i): return None
        def request(i): price((i, i))
        """,
    ),
    (
        "sqlalchemy engine", "sqlalchemy", 3, """
        import sqlalchemy as sa
        ENGINES = {}
        def request(i): ENGINES[i] = sa.create_engine("sqlite://")
        """,
    ),
    (
        "sqlalchemy event listener", "sqlalchemy", 4, """
        import sqlalchemy as sa
        engine = sa.create_engine("sqlite://")
        def request(i):
            sa.event.listen(engine, "before_cursor_execute", lambda *a: i)
        """,
    ),
    (
        "hmac", "hmac", 4, """
        import hashlib, hmac
        SIGNERS = {}
        def request(i):
            SIGNERS[i] = hmac.new(str(i).encode(), b"body", hashlib.sha256)
        """,
    ),
    (
        "hmac", "hashlib", 3, """
        import hashlib
        DIGESTS = {}
        def request(i): DIGESTS[i] = hashlib.sha256(b"x")
        """,
    ),
    (
        "asyncio timer", "asyncio", 3, """
        import asyncio
        loop = asyncio.new_event_loop()
        def request(i): loop.call_later(3600, print, i)
        """,
    ),
    (
        "logging", "logging", 3, """
        import logging
        def request(i):
            logging.getLogger("jobs").addHandler(logging.NullHandler())
        """,
    ),
    (
        "warnings registry", "warnings", 4, """
        import warnings
        warnings.showwarning = lambda *a, **k: None
        warnings.simplefilter("default")
        def request(i): warnings.warn(f"client {i}", stacklevel=1)
        """,
    ),
    (
        "regex", "re", 3, """
        import re
        MATCHES = []
        def request(i): MATCHES.append(re.match("user=(.*)", f"user={i}" * 20))
        """,
    ),
    (
        "jinja2 template", "jinja2", 4, """
        from jinja2 import Environment
        environment = Environment()
        KEPT = []
        def request(i): KEPT.append(environment.from_string(f"hello {i}"))
        """,
    ),
    (
        "json", "json", 3, """
        import json
        KEPT = []
        def request(i): KEPT.append(json.loads('{"a": [1000, 2000], "b": "%d"}' % i))
        """,
    ),
    (
        "exception traceback",
        "traceback",
        4,
        """
        ERRORS = []
        def request(i):
            try:
                raise ValueError(f"no {i}")
            except ValueError as error:
                ERRORS.append(error)
        """,
    ),
    (
        "python", "sys", 2, """
        RECENT = []
        def request(i): RECENT.append([i, i + 1000])
        """,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("category", "package", "line", "source"), LEAKS, ids=[f"{c}-{p}" for c, p, *_ in LEAKS]
)
def test_true_leak_has_its_category_and_its_line(tmp_path, category, package, line, source):
    pytest.importorskip(package)
    (tmp_path / "shop.py").write_text("\n".join(textwrap.dedent(source).splitlines()[1:]))
    (tmp_path / "child.py").write_text(TRACE)

    done = subprocess.run(
        [sys.executable, "child.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": PROJECT},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert 0 == done.returncode, done.stderr
    found_category, found_line, own, explained = json.loads(done.stdout.splitlines()[-1])
    assert (category, line, True) == (found_category, found_line, own)
    assert explained > 0.9


def frame(file="/home/me/app.py", function="", code=""):
    return Frame(file=file, line=1, function=function, code=code)


def test_rule_for_the_whole_stack_decides_before_one_for_a_frame():
    stack = [frame("/sp/sqlalchemy/orm/state.py"), frame("/sp/sqlalchemy/event/attr.py")]

    assert "sqlalchemy event listener" == categorize(stack).name


def test_frame_nearest_to_the_allocation_decides_among_rules_for_a_frame():
    rows = frame("/sp/sqlalchemy/engine/cursor.py", "CursorFetchStrategy.fetchall")
    loading = frame("/sp/sqlalchemy/orm/loading.py", "_instance")

    assert "sqlalchemy rows" == categorize([rows, loading]).name
    assert "sqlalchemy identity map" == categorize([loading, rows]).name


def test_stack_without_a_match_is_python():
    assert PYTHON is categorize([frame(code="x = [1]")])


def test_task_is_told_by_the_function_that_makes_it():
    stack = [
        frame("/usr/lib/python3.11/asyncio/base_events.py", "BaseEventLoop.create_task"),
        frame(code="f()"),
    ]

    assert "asyncio task" == categorize(stack).name


@pytest.mark.parametrize(
    ("file", "function", "name"),
    [
        ("starlette/datastructures.py", "URL.components", "request data"),
        ("starlette/requests.py", "Request.body", "request data"),
        ("starlette/requests.py", "HTTPConnection.__init__", "starlette request"),
        ("starlette/datastructures.py", "State.__setattr__", "starlette request"),
        ("werkzeug/sansio/request.py", "Request.path", "request data"),
        ("werkzeug/wrappers/request.py", "Request.__init__", "flask request"),
    ],
)
def test_what_was_read_from_a_request_is_told_from_the_request(file, function, name):
    parsing = frame("/usr/lib/python3.11/urllib/parse.py", "urlsplit")

    assert name == categorize([parsing, frame(f"/sp/{file}", function), frame(code="SEEN.append(it)")]).name


def test_table_can_be_extended_in_front():
    mine = Category(name="shop cart", remedy="Empty it.")
    rule = Rule(category=mine, files=("/shop/cart.py",))

    assert mine is categorize([frame("/home/me/shop/cart.py")], (rule, *RULES))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("amp.append(1)", "python"),
        ("a = np.zeros(3)", "numpy array"),
        ("self.internal(1)", "python"),
        ("x = sys.intern(name)", "interned string"),
        ("praise = 1", "python"),
        ("raise ValueError(1)", "exception traceback"),
    ],
)
def test_part_of_a_source_line_matches_at_a_word_only(code, name):
    assert name == categorize([frame(code=code)]).name


def test_paths_of_windows_match_like_others():
    path = r"C:\venv\Lib\site-packages\sqlalchemy\sql\cache_key.py"

    assert "sqlalchemy cache key" == categorize([frame(path)]).name


def test_every_category_has_a_remedy_of_one_sentence_and_a_slug():
    for rule in RULES:
        category = rule.category
        assert category.remedy.endswith(".")
        assert category.slug == category.slug.lower()
        assert " " not in category.slug
        # One category per name: reports and the documentation know it by that alone.
        assert category is next(other.category for other in RULES if other.category.name == category.name)


def test_holder_that_tells_nothing_has_no_category():
    assert category_of_holder("shop.RECENT") is None


def test_each_category_has_a_page_in_the_documentation_with_its_remedy():
    reference = Path(__file__).parents[2] / "docs" / "reference"
    index = (reference / "categories.md").read_text(encoding="utf-8")

    assert len(NAMED) > 30
    for category in NAMED.values():
        page = (reference / "categories" / f"{category.slug}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {category.name}\n\n{category.remedy}\n")
        assert f"\ncategories/{category.slug}\n" in index


@pytest.mark.parametrize(
    ("path", "entry", "name"),
    [
        ("shop.ERRORS", "ZeroDivisionError", "exception traceback"),
        ("shop.ERRORS", "shop.errors.OrderError", "exception traceback"),
        ("shop.SEEN", "starlette.requests.Request", "starlette request"),
        ("descriptors open: socket", "", "open descriptor"),
        ("contextvar 'seen'", "", "context variable"),
        ("shop.main.app.state.results", "dict", "application state"),
    ],
)
def test_holder_tells_the_kind_by_its_path_or_its_entries(path, entry, name):
    found = category_of_holder(path, entry)

    assert found is not None
    assert name == found.name
