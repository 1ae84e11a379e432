"""Whose line it is, and what its function is called."""

from __future__ import annotations

import linecache
import sysconfig

import pytest

from pytest_reqleak.analysis.frames import Sources
from pytest_reqleak.model.origin import CodeMap, Origin

CODE = CodeMap(stdlib=("/usr/lib/python3.11",), libraries=("/opt/vendored",), harness=("/opt/reqleak",))


@pytest.mark.parametrize(
    ("file", "origin"),
    [
        ("/home/me/shop/orders.py", Origin.OWN),
        ("/home/me/shop/.venv/lib/python3.11/site-packages/fastapi/routing.py", Origin.LIBRARY),
        ("/usr/lib/python3/dist-packages/requests/api.py", Origin.LIBRARY),
        ("/home/me/shop/.venv/lib/python3.11/site-packages/uvicorn/main.py", Origin.SERVER),
        ("/home/me/shop/.venv/lib/python3.11/site-packages/_pytest/python.py", Origin.HARNESS),
        ("/home/me/shop/.venv/lib/python3.11/site-packages/six.py", Origin.LIBRARY),
        ("/usr/lib/python3.11/json/decoder.py", Origin.STDLIB),
        ("/usr/lib/python3.11/site-packages/flask/app.py", Origin.LIBRARY),
        ("/usr/lib/python3.110/shop.py", Origin.OWN),
        ("/opt/vendored/thing.py", Origin.LIBRARY),
        ("/opt/reqleak/servers/asgi.py", Origin.HARNESS),
        ("<frozen importlib._bootstrap>", Origin.STDLIB),
        ("<string>", Origin.LIBRARY),
        ("", Origin.LIBRARY),
    ],
)
def test_origin_of_a_file_is_told_by_its_folder(file, origin):
    assert origin is CODE.origin(file)


def test_a_module_beside_the_installed_commands_is_a_librarys() -> None:
    scripts = sysconfig.get_path("scripts")

    assert Origin.LIBRARY is CodeMap().origin(f"{scripts}/bottle.py")


def test_an_installed_command_calls_the_harness() -> None:
    assert Origin.HARNESS is CodeMap().origin(f"{sysconfig.get_path('scripts')}/reqleak")


def test_examples_beside_the_package_are_the_users_own_code():
    import pytest_reqleak

    code = CodeMap()
    package = pytest_reqleak.__file__.rpartition("/")[0]

    assert Origin.HARNESS is code.origin(package + "/measure.py")
    assert Origin.OWN is code.origin(package.rpartition("/")[0] + "/examples/shop/orders.py")


SOURCE = '''\
RECENT = []
class Cart:
    """A cart.
"""
    limit = 3
    def add(
        self,
        line,
    ):
        text = """
def not_a_function():
"""
        if line:
            self.lines.append(
                line
            )
    @property
    def size(self):
        return [
            len(line) for line in self.lines
        ]
def outer():
    def inner(i): RECENT.append(i)
    return inner
'''

LINES = {
    1: "",
    5: "Cart",
    14: "Cart.add",
    17: "Cart",
    19: "Cart.size",
    20: "Cart.size",
    23: "outer.inner",
    24: "outer",
}


@pytest.fixture
def shop(tmp_path):
    file = tmp_path / "shop.py"
    file.write_text(SOURCE)
    return str(file)


@pytest.mark.parametrize("line", LINES)
def test_own_line_has_the_qualified_name_of_its_function(shop, line):
    assert LINES[line] == Sources(CODE).function(shop, line, exact=True)


@pytest.mark.parametrize("line", [1, 5, 23, 24])
def test_indentation_tells_the_same_where_no_text_begins_at_the_margin(shop, line):
    assert LINES[line] == Sources(CODE).function(shop, line, exact=False)


def test_frame_has_its_source_line_and_whether_it_is_own(shop):
    frame = Sources(CODE).frame((shop, 15, ""))

    assert ("line", "Cart.add", True) == (frame.code, frame.function, frame.own)


def test_name_that_the_tracer_knows_is_kept(shop):
    assert "known" == Sources(CODE).frame((shop, 15, "known")).function


def test_file_that_cannot_be_read_has_neither_line_nor_function(tmp_path):
    frame = Sources(CODE).frame((str(tmp_path / "gone.py"), 3, ""))

    assert ("", "") == (frame.code, frame.function)


@pytest.mark.parametrize("content", [b"def broken(:\n  x\n", b"\xff\xfe\x00", b""])
def test_file_that_is_no_python_has_no_function(tmp_path, content):
    file = tmp_path / "odd.py"
    file.write_bytes(content)

    assert "" == Sources(CODE).frame((str(file), 1, "")).function


def test_reading_sources_fills_no_line_cache(shop):
    before = set(linecache.cache)

    Sources(CODE).frame((shop, 15, ""))

    assert before == set(linecache.cache)


NESTED = """\
def wrap(app):
    @wraps(app)
    async def wrapped(scope, receive, send):
        conn = scope["conn"]

        async def sender(
            message,
        ) -> None:
            await send(message)

        # The answer has begun.
        try:
            await app(scope, receive, sender)
        except KeyError:
            def late():
                return 1
            raise
        return None
    return wrapped
"""


@pytest.mark.parametrize(
    ("line", "function"),
    [
        (1, "wrap"),
        (4, "wrap.wrapped"),
        (9, "wrap.wrapped.sender"),
        (13, "wrap.wrapped"),
        (16, "wrap.wrapped.late"),
        (17, "wrap.wrapped"),
        (18, "wrap.wrapped"),
        (19, "wrap"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_a_line_after_a_nested_function_belongs_to_the_one_around_it(tmp_path, line, function, exact):
    file = tmp_path / "routing.py"
    file.write_text(NESTED)
    if exact and line == 1:
        function = ""

    assert function == Sources(CODE).function(str(file), line, exact=exact)
