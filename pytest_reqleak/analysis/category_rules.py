"""The table of rules: which lines, holders and entries are of which kind.

Some rules hold wherever they match in a stack (an import is an import, whatever it
runs); the others are asked frame by frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_reqleak.analysis.category import (
    ASYNCIO_FUTURE,
    ASYNCIO_TASK,
    ASYNCIO_TIMER,
    CLASS,
    CONTEXT,
    DESCRIPTOR,
    DJANGO_QUERIES,
    DJANGO_SIGNAL,
    FUNCTOOLS_CACHE,
    HMAC,
    HTTP_CLIENT,
    IMPORT,
    INTERNED,
    JINJA2,
    JSON,
    LOGGING,
    NUMPY,
    OPENTELEMETRY,
    PROMETHEUS,
    PYDANTIC_CONSTRUCTION,
    PYDANTIC_MODEL,
    REGEX,
    REQUEST_DATA,
    ROUTE,
    SQLALCHEMY_CACHE_KEY,
    SQLALCHEMY_COMPILED,
    SQLALCHEMY_ENGINE,
    SQLALCHEMY_IDENTITY,
    SQLALCHEMY_LISTENER,
    SQLALCHEMY_ROWS,
    SSL,
    STARLETTE_REQUEST,
    THREAD,
    TRACEBACK,
    WARNINGS,
    WERKZEUG_REQUEST,
    Category,
)
from pytest_reqleak.model.finding import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table; a frame matches where every part that is given does."""

    category: Category
    files: tuple[str, ...] = ()
    """Parts of the path, with `/`: `sqlalchemy/event/`, `/hmac.py`."""
    functions: tuple[str, ...] = ()
    """Names without their class."""
    code: tuple[str, ...] = ()
    """Parts of the source line that begin at a word; one that ends in a space must begin the line."""
    anywhere: bool = False
    """Whether it decides for the whole stack, whichever frame matches."""

    def matches(self, frame: Frame) -> bool:
        """Whether the rule is about this frame."""
        if self.files and not any(part in frame.file.replace("\\", "/") for part in self.files):
            return False
        if self.functions and frame.function.rpartition(".")[2] not in self.functions:
            return False
        return not self.code or any(_says(frame.code, part) for part in self.code)


def _says(code: str, part: str) -> bool:
    if part.endswith(" "):
        return code.startswith(part)
    place = code.find(part)
    # `np.` is not in `amp.`; `.model_copy(` follows a name and needs no such care.
    while place > 0 and part[0] != "." and (code[place - 1].isalnum() or code[place - 1] == "_"):
        place = code.find(part, place + 1)
    return place >= 0


RULES: tuple[Rule, ...] = (
    Rule(category=IMPORT, files=("<frozen importlib", "/importlib/__init__.py"), anywhere=True),
    Rule(category=IMPORT, code=("import ", "from "), anywhere=True),
    # Before the schemas that a route of FastAPI is built with.
    Rule(
        category=ROUTE,
        files=("starlette/routing.py", "starlette/applications.py", "/fastapi/"),
        functions=(
            *("add_route", "add_websocket_route", "add_api_route", "add_api_websocket_route"),
            *("include_router", "mount", "host"),
        ),
        anywhere=True,
    ),
    Rule(
        category=PYDANTIC_CONSTRUCTION,
        files=(
            "pydantic/_internal/_model_construction.py",
            "pydantic/_internal/_generate_schema.py",
            "pydantic/_internal/_generics.py",
            "pydantic/_internal/_fields.py",
            "pydantic/_internal/_typing_extra.py",
            "pydantic/generics.py",
            "pydantic/fields.py",
            "pydantic/schema.py",
            "pydantic_core/core_schema.py",
        ),
        anywhere=True,
    ),
    Rule(
        category=PYDANTIC_CONSTRUCTION,
        files=("pydantic/main.py",),
        functions=("create_model", "__class_getitem__", "model_rebuild", "__init_subclass__", "__new__"),
        anywhere=True,
    ),
    Rule(
        category=PYDANTIC_CONSTRUCTION,
        files=("pydantic/type_adapter.py",),
        functions=("__init__", "rebuild", "_init_core_attrs", "_get_schema"),
        anywhere=True,
    ),
    Rule(category=PYDANTIC_CONSTRUCTION, code=("create_model(", "TypeAdapter("), anywhere=True),
    Rule(category=SQLALCHEMY_LISTENER, files=("sqlalchemy/event/",), anywhere=True),
    Rule(
        category=SQLALCHEMY_ENGINE,
        files=("sqlalchemy/engine/create.py", "sqlalchemy/engine/url.py"),
        anywhere=True,
    ),
    Rule(category=SQLALCHEMY_ENGINE, code=("create_engine(", "create_async_engine("), anywhere=True),
    Rule(
        category=SQLALCHEMY_CACHE_KEY,
        files=("sqlalchemy/",),
        functions=("_compile_w_cache", "_generate_cache_key"),
        anywhere=True,
    ),
    Rule(
        category=SQLALCHEMY_COMPILED,
        files=("sqlalchemy/sql/elements.py",),
        functions=("compile",),
        anywhere=True,
    ),
    Rule(category=PROMETHEUS, files=("prometheus_client/",), anywhere=True),
    Rule(category=OPENTELEMETRY, files=("opentelemetry/",), anywhere=True),
    Rule(category=JINJA2, files=("jinja2/",), anywhere=True),
    Rule(
        category=SQLALCHEMY_ROWS,
        files=("sqlalchemy/engine/cursor.py", "sqlalchemy/engine/row.py", "sqlalchemy/engine/result.py"),
    ),
    Rule(
        category=SQLALCHEMY_IDENTITY,
        files=(
            "sqlalchemy/orm/identity.py",
            "sqlalchemy/orm/state.py",
            "sqlalchemy/orm/loading.py",
            "sqlalchemy/orm/unitofwork.py",
            "sqlalchemy/orm/persistence.py",
            "sqlalchemy/orm/instrumentation.py",
            "sqlalchemy/orm/decl_base.py",
            "sqlalchemy/orm/mapper.py",
            "<sqlalchemy generated",
        ),
    ),
    Rule(
        category=SQLALCHEMY_ENGINE,
        files=("sqlalchemy/pool/",),
        functions=("__init__", "__connect", "_create_connection", "connect"),
    ),
    # What keeps parts of a statement alive is the key or the result of its compilation.
    # elements.py is not among them: every execution passes through it.
    Rule(
        category=SQLALCHEMY_CACHE_KEY,
        files=(
            "sqlalchemy/sql/annotation.py",
            "sqlalchemy/sql/cache_key.py",
            "sqlalchemy/sql/coercions.py",
            "sqlalchemy/sql/compiler.py",
            "sqlalchemy/sql/default_comparator.py",
            "sqlalchemy/sql/functions.py",
            "sqlalchemy/sql/operators.py",
            "sqlalchemy/sql/selectable.py",
            "sqlalchemy/sql/traversals.py",
            "sqlalchemy/sql/visitors.py",
            "sqlalchemy/orm/context.py",
        ),
    ),
    Rule(category=HMAC, files=("/hmac.py", "/hashlib.py", "cryptography/hazmat/primitives/h")),
    Rule(category=HMAC, code=("hmac.", "hashlib.", "HMAC(")),
    Rule(category=DJANGO_SIGNAL, files=("django/dispatch/",)),
    Rule(category=DJANGO_QUERIES, files=("django/db/backends/utils.py",), functions=("debug_sql", "execute")),
    Rule(category=ASYNCIO_TIMER, files=("/asyncio/",), functions=("call_later", "call_at")),
    Rule(category=ASYNCIO_TIMER, code=("call_later(", "call_at(")),
    Rule(
        category=ASYNCIO_TASK,
        files=("/asyncio/",),
        functions=("create_task", "ensure_future", "gather", "_ensure_future", "run_coroutine_threadsafe"),
    ),
    Rule(category=ASYNCIO_TASK, code=("create_task(", "ensure_future(", "start_soon(")),
    Rule(category=ASYNCIO_FUTURE, files=("/asyncio/",), functions=("create_future",)),
    Rule(category=ASYNCIO_FUTURE, code=("create_future(", "asyncio.Future(")),
    Rule(category=CONTEXT, code=("ContextVar(", "copy_context(")),
    Rule(
        category=DESCRIPTOR,
        files=("/socket.py", "/tempfile.py", "/selectors.py"),
        functions=("__init__", "accept", "create_connection", "NamedTemporaryFile", "TemporaryFile"),
    ),
    Rule(category=DESCRIPTOR, code=("open(", "socket.socket(", "create_connection(", "NamedTemporaryFile(")),
    Rule(category=THREAD, files=("/threading.py",), functions=("start", "__init__", "_bootstrap_inner")),
    Rule(category=THREAD, code=("threading.Thread(", "Thread(target")),
    Rule(category=WARNINGS, files=("/warnings.py",)),
    Rule(category=WARNINGS, code=("warnings.warn(",)),
    Rule(category=LOGGING, files=("/logging/__init__.py", "/logging/handlers.py", "/loguru/", "/structlog/")),
    Rule(category=LOGGING, code=("logging.", "addHandler(", "addFilter(")),
    Rule(category=REGEX, files=("/re/__init__.py", "/re.py", "/re/_", "/sre_")),
    Rule(category=REGEX, code=("re.compile(", "re.match(", "re.search(", "re.fullmatch(", "re.finditer(")),
    Rule(category=SSL, files=("/ssl.py", "/ssl_.py", "OpenSSL/")),
    Rule(category=TRACEBACK, files=("/traceback.py",)),
    Rule(category=TRACEBACK, code=("raise ", "traceback.")),
    Rule(category=INTERNED, code=("sys.intern(", "intern(")),
    Rule(category=CLASS, files=("/dataclasses.py", "/attr/_make.py", "/enum.py", "/typing.py", "/abc.py>")),
    Rule(category=CLASS, code=("make_class(", "make_dataclass(", "namedtuple(", "class ", "type(")),
    Rule(
        category=HTTP_CLIENT,
        files=("/httpx/", "/aiohttp/", "/requests/", "/urllib3/", "/http/cookiejar.py"),
    ),
    Rule(category=NUMPY, files=("/numpy/",)),
    Rule(category=NUMPY, code=("np.", "numpy.")),
    Rule(category=STARLETTE_REQUEST, files=("fastapi/dependencies/",), functions=("request_params_to_args",)),
    Rule(
        category=PYDANTIC_MODEL,
        files=("pydantic/main.py", "pydantic/root_model.py", "pydantic/dataclasses.py"),
    ),
    Rule(
        category=PYDANTIC_MODEL,
        files=("pydantic/type_adapter.py", "pydantic/v1/", "pydantic/deprecated/"),
    ),
    Rule(
        category=PYDANTIC_MODEL,
        files=("fastapi/_compat", "fastapi/dependencies/"),
        functions=("validate", "serialize", "_validate_value_with_model_field", "request_body_to_args"),
    ),
    Rule(
        category=PYDANTIC_MODEL,
        code=(".model_validate(", ".model_validate_json(", ".model_construct(", ".model_copy("),
    ),
    Rule(category=JSON, files=("/json/decoder.py", "/json/encoder.py", "/json/__init__.py")),
    Rule(category=JSON, code=("json.loads(", "json.load(", "json.dumps(")),
    Rule(category=FUNCTOOLS_CACHE, files=("/functools.py",)),
    Rule(category=STARLETTE_REQUEST, files=("starlette/datastructures.py",), functions=("__setattr__",)),
    # What is read from a request (its URL, headers, body) may outlive it alone.
    Rule(category=STARLETTE_REQUEST, files=("starlette/requests.py",), functions=("__init__",)),
    Rule(category=REQUEST_DATA, files=("starlette/requests.py", "starlette/datastructures.py")),
    Rule(category=STARLETTE_REQUEST, files=("starlette/routing.py", "starlette/middleware/", "fastapi/")),
    Rule(category=WERKZEUG_REQUEST, files=("/werkzeug/",), functions=("__init__",)),
    Rule(
        category=REQUEST_DATA,
        files=("/werkzeug/sansio/", "/werkzeug/wrappers/", "/werkzeug/datastructures/"),
    ),
    Rule(category=WERKZEUG_REQUEST, files=("/werkzeug/", "/flask/")),
)  # fmt: skip

HOLDER_CATEGORIES = (
    ("functools.lru_cache of ", FUNCTOOLS_CACHE),
    ("asyncio tasks ", ASYNCIO_TASK),
    ("tasks running ", ASYNCIO_TASK),
    ("threads running ", THREAD),
    ("descriptors open: ", DESCRIPTOR),
    ("contextvar ", CONTEXT),
    ("context", CONTEXT),
    ("loop._scheduled", ASYNCIO_TIMER),
    ("sys.modules", IMPORT),
)


ENTRY_CATEGORIES = {
    "starlette.requests.Request": STARLETTE_REQUEST,
    "starlette.requests.State": STARLETTE_REQUEST,
    "starlette.websockets.WebSocket": STARLETTE_REQUEST,
    "flask.wrappers.Request": WERKZEUG_REQUEST,
    "werkzeug.wrappers.request.Request": WERKZEUG_REQUEST,
    "_asyncio.Task": ASYNCIO_TASK,
    "_asyncio.Future": ASYNCIO_FUTURE,
    "asyncio.events.TimerHandle": ASYNCIO_TIMER,
    "threading.Thread": THREAD,
    "logging.LogRecord": LOGGING,
    "re.Match": REGEX,
    "numpy.ndarray": NUMPY,
    "socket.socket": DESCRIPTOR,
    "_io.TextIOWrapper": DESCRIPTOR,
}

NAMED: dict[str, Category] = {
    category.name: category
    for category in (
        *(rule.category for rule in RULES),
        *(category for _, category in HOLDER_CATEGORIES),
        *ENTRY_CATEGORIES.values(),
    )
}
"""Every category that is told without a hook, by its name."""
