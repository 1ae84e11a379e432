"""The kinds of memory that reports tell apart, each with what usually helps.

Every remedy is one sentence that is true; the slug of a kind is the name of its
page in the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of memory."""

    name: str
    remedy: str
    """One sentence; empty where none is known to be true."""

    @property
    def slug(self) -> str:
        """Name of its page in the documentation: `sqlalchemy-cache-key`."""
        return self.name.replace(" ", "-")


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
    remedy="The cache keeps every argument, of a method `self` too: give it a `maxsize`, or cache per "
    "instance.",
)
ASYNCIO_TASK = Category(
    name="asyncio task",
    remedy="A task keeps its locals until it ends, and then its result: cancel one that never finishes, "
    "and keep no reference to one that has.",
)
ASYNCIO_TIMER = Category(
    name="asyncio timer",
    remedy="A scheduled call keeps its arguments until its time: cancel the handle once it is not needed.",
)
ROUTE = Category(
    name="route",
    remedy="Routes are added while requests are answered: add each once, when the app is made.",
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
    remedy="Data of a request (path, headers, body) outlives it: drop the reference, or bound what keeps it.",
)
LOGGING = Category(
    name="logging",
    remedy="What logging was given (named loggers, handlers, filters, records) piles up: configure and "
    "name loggers once, and bound what keeps records.",
)
WARNINGS = Category(
    name="warnings registry",
    remedy="Each new warning text is kept in the module's `__warningregistry__`: keep the text constant.",
)
REGEX = Category(
    name="regex",
    remedy="A match keeps the whole text it searched, a pattern its code: of a match keep "
    "`match.group()`, and compile a fixed set of patterns.",
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
    remedy="A thread keeps its stack until it ends, and its object what it was given: use a bounded "
    "pool, and keep no reference to a thread that has ended.",
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
    remedy="What clients make (sessions, hooks, cookies, responses) piles up: use one client, and bound "
    "what each request adds to it or keeps of it.",
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
    name="numpy array",
    remedy="Arrays outlive their request: bound what keeps them, and of a view keep a `.copy()`, since it "
    "holds its whole base array.",
)
NATIVE = Category(
    name="native memory",
    remedy="C or Rust code has allocated it, for an object that is kept or for nobody: drop that object, "
    "call what the library offers (free, close, clear), or upgrade the library.",
)
DESCRIPTOR = Category(
    name="open descriptor",
    remedy="Files or sockets are opened and not closed: open them in a `with` block, or close the client.",
)
ASYNCIO_FUTURE = Category(
    name="asyncio future",
    remedy="A future keeps its callbacks and its result: complete or cancel each, and take it out of "
    "what keeps it then.",
)
CONTEXT = Category(
    name="context variable",
    remedy="A value set in a context lives as long as the context: reset the variable with its token, "
    "and keep no growing container in it.",
)
APP_STATE = Category(
    name="application state",
    remedy="What is put on `app.state` stays until the app ends: bound it, and use `request.state` for "
    "what belongs to one request.",
)
