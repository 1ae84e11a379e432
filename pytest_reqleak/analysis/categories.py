"""What kind of thing is kept, told by the lines that allocated it.

A table of rules. Some hold wherever they match in a stack (an import is an
import, whatever it runs); of the others the frame nearest to the allocation
decides, since it knows best what it makes. Each category comes with one sentence that
usually helps and is true, and with the anchor of its page in the documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_reqleak.model.finding import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of memory."""

    name: str
    remedy: str
    """One sentence; empty where none is known to be true."""

    @property
    def slug(self) -> str:
        """Anchor of its section in the documentation: `sqlalchemy-cache-key`."""
        return self.name.replace(" ", "-")


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


PYTHON = Category(name="python", remedy="")
"""Where no rule matches."""

PYDANTIC_MODEL = Category(
    name="pydantic model",
    remedy="Model instances outlive their request: drop the reference, or bound what keeps them.",
)
PYDANTIC_CONSTRUCTION = Category(
    name="pydantic model construction",
    remedy="Models, TypeAdapters and parametrised generics are built per call: build each once, at import.",
)
SQLALCHEMY_CACHE_KEY = Category(
    name="sqlalchemy cache key",
    remedy="Each statement makes a new cache key: use bound parameters in place of literals, "
    "and give `compiled_cache` a bounded mapping.",
)
SQLALCHEMY_COMPILED = Category(
    name="sqlalchemy compiled cache",
    remedy="Results of `compile()` are kept: keep the statement; the engine's own cache of them is bounded.",
)
SQLALCHEMY_IDENTITY = Category(
    name="sqlalchemy identity map",
    remedy="ORM objects stay referenced: use one Session per request, and close or expunge it at the end.",
)
SQLALCHEMY_ROWS = Category(
    name="sqlalchemy rows",
    remedy="Rows, or values read from them, stay referenced: keep fewer of them, or bound what keeps them.",
)
SQLALCHEMY_ENGINE = Category(
    name="sqlalchemy engine",
    remedy="An engine with its pool is made per call: make one per database, at start-up.",
)
SQLALCHEMY_LISTENER = Category(
    name="sqlalchemy event listener",
    remedy="Listeners are added per call: register each once, or take it off with `event.remove`.",
)
HMAC = Category(
    name="hmac",
    remedy="hmac and hashlib objects hold native OpenSSL state: keep the digest, not the object.",
)
FUNCTOOLS_CACHE = Category(
    name="functools cache",
    remedy="The cache keeps every argument, `self` included: give it a `maxsize`, or cache per instance.",
)
ASYNCIO_TASK = Category(
    name="asyncio task",
    remedy="Tasks that never finish keep their locals: cancel them, or put a timeout on what they await.",
)
ASYNCIO_TIMER = Category(
    name="asyncio timer",
    remedy="A scheduled call keeps its arguments until its time: cancel the handle once it is not needed.",
)
STARLETTE_REQUEST = Category(
    name="starlette request",
    remedy="A request keeps its scope, headers and body: copy out the values you need, and drop the request.",
)
WERKZEUG_REQUEST = Category(
    name="flask request",
    remedy="A request keeps its environment, headers and body: copy out the values you need, and drop it.",
)
REQUEST_DATA = Category(
    name="request data",
    remedy="Data of the request itself (path, headers, body) is still referenced after the response.",
)
LOGGING = Category(
    name="logging",
    remedy="Handlers, filters or records pile up: configure loggers once, and bound what keeps records.",
)
WARNINGS = Category(
    name="warnings registry",
    remedy="Each new warning text is kept in the module's `__warningregistry__`: keep the text constant.",
)
REGEX = Category(
    name="regex",
    remedy="A match object keeps the whole text it searched: keep `match.group()`; compile patterns once.",
)
JINJA2 = Category(
    name="jinja2 template",
    remedy="Templates compiled from strings are kept: load them by name from one Environment.",
)
PROMETHEUS = Category(
    name="prometheus labels",
    remedy="Every new set of label values makes a time series for ever: label with few, fixed values.",
)
OPENTELEMETRY = Category(
    name="opentelemetry attributes",
    remedy="Every new set of attribute values is aggregated for ever: use few, fixed values.",
)
JSON = Category(name="json", remedy="Decoded documents stay referenced: keep only the values you need.")
SSL = Category(
    name="ssl",
    remedy="Contexts and connections hold native OpenSSL state: make one context, and close connections.",
)
THREAD = Category(
    name="thread",
    remedy="Threads that never end keep their stacks and arguments: join them, or use a bounded pool.",
)
TRACEBACK = Category(
    name="exception traceback",
    remedy="A kept exception keeps its traceback, and so every local of its frames: keep its text, "
    "or call `with_traceback(None)`.",
)
INTERNED = Category(
    name="interned string",
    remedy="Something keeps every interned string alive: intern a fixed vocabulary, not the input.",
)
IMPORT = Category(name="import", remedy="Modules are loaded per call: import each once.")
CLASS = Category(
    name="class construction",
    remedy="Classes are made per call, and a class is never small: make each once, at import.",
)
HTTP_CLIENT = Category(
    name="http client",
    remedy="Sessions, hooks or cookies pile up: use one client, and bound what each request adds to it.",
)
DJANGO_SIGNAL = Category(
    name="django signal",
    remedy="Receivers are connected per call: connect each once, at import, with a `dispatch_uid`.",
)
DJANGO_QUERIES = Category(
    name="django query log",
    remedy="With DEBUG on, each connection logs its queries: switch DEBUG off.",
)
NUMPY = Category(
    name="numpy array", remedy="A small view keeps its whole base array: keep a `.copy()` of the slice."
)
NATIVE = Category(
    name="native memory",
    remedy="C or Rust code has allocated it and nothing frees it: call what the library offers for that "
    "(free, close, clear), or upgrade the library.",
)
DESCRIPTOR = Category(
    name="open descriptor",
    remedy="Files or sockets are opened and not closed: open them in a `with` block, or close the client.",
)
ASYNCIO_FUTURE = Category(
    name="asyncio future",
    remedy="Futures that nobody completes keep their callbacks and results: complete or cancel each of them.",
)
CONTEXT = Category(
    name="context variable",
    remedy="A value set in a context lives as long as the context: reset the variable with its token, "
    "and keep no growing container in it.",
)
APP_STATE = Category(
    name="application state",
    remedy="What is put on `app.state` stays until the app ends: use `request.state` for what belongs "
    "to one request.",
)

RULES: tuple[Rule, ...] = (
    Rule(category=IMPORT, files=("<frozen importlib", "/importlib/__init__.py"), anywhere=True),
    Rule(category=IMPORT, code=("import ", "from "), anywhere=True),
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
    Rule(category=CLASS, code=("make_class(", "make_dataclass(", "namedtuple(", "class ")),
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
    Rule(
        category=STARLETTE_REQUEST,
        files=("starlette/requests.py", "starlette/datastructures.py", "starlette/routing.py"),
    ),
    Rule(category=STARLETTE_REQUEST, files=("starlette/middleware/", "fastapi/")),
    Rule(category=WERKZEUG_REQUEST, files=("/werkzeug/", "/flask/")),
)  # fmt: skip

_HOLDER_CATEGORIES = (
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


_ENTRY_CATEGORIES = {
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


def categorize(frames: Sequence[Frame], rules: Sequence[Rule] = RULES) -> Category:
    """What the stack makes: by the rules that hold anywhere, else by the nearest frame that a rule knows.

    Args:
        frames: From the allocation outwards; only as far as they say what was made,
            which is up to the user's first own line.
        rules: In order of precedence, among those for the whole stack and for one frame.
    """
    for rule in rules:
        if rule.anywhere and any(rule.matches(frame) for frame in frames):
            return rule.category
    for frame in frames:
        for rule in rules:
            if not rule.anywhere and rule.matches(frame):
                return rule.category
    return PYTHON


def category_of_holder(path: str, entry: str = "") -> Category | None:
    """What a holder says about what it holds, where the lines say nothing.

    Args:
        path: Of the holder.
        entry: The type of what was added to it last.
    """
    name = entry.rpartition(".")[2]
    if name.endswith(("Error", "Exception", "ExceptionGroup")):
        return TRACEBACK
    if entry in _ENTRY_CATEGORIES:
        return _ENTRY_CATEGORIES[entry]
    for beginning, category in _HOLDER_CATEGORIES:
        if path.startswith(beginning):
            return category
    if "__warningregistry__" in path:
        return WARNINGS
    if ".state." in path or path.startswith("app.state"):
        return APP_STATE
    return None


def category_named(name: str) -> Category | None:
    """A category of the table by its name."""
    return next((rule.category for rule in RULES if rule.category.name == name), None)
