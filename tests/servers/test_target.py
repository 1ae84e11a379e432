"""Loading the app that an import string names."""

from __future__ import annotations

import pickle
import sys

import pytest

from pytest_reqleak.errors import TargetError
from pytest_reqleak.servers.target import load_target

APP = """
async def app(scope, receive, send):
    pass
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder to work in; what is imported from it is forgotten again."""
    modules, path = dict(sys.modules), list(sys.path)
    monkeypatch.chdir(tmp_path)

    def write(name, text=APP):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    yield write
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.path[:] = path


def refusal(spec, **settings):
    with pytest.raises(TargetError) as caught:
        load_target(spec, **settings)
    return str(caught.value)


def test_a_module_of_the_working_directory_is_found(project):
    project("rl_shop.py")
    target = load_target("rl_shop:app")

    assert ("rl_shop:app", sys.modules["rl_shop"].app) == (target.name, target.app)


def test_an_attribute_of_an_attribute_is_found(project):
    project("rl_shop/__init__.py", "")
    project("rl_shop/main.py", "class holder:\n    app = 5")

    assert 5 == load_target("rl_shop.main:holder.app").app


def test_a_file_is_loaded_as_if_it_were_run(project, tmp_path):
    project("deep/rl_neighbour.py", "VALUE = 7")
    project("deep/rl_main.py", "import rl_neighbour\nclass Model: pass\napp = rl_neighbour.VALUE")
    target = load_target("deep/rl_main.py:app")

    assert (7, "rl_main.py:app") == (target.app, target.name)
    assert str(tmp_path / "deep") in sys.path
    model = sys.modules["rl_main"].Model()
    assert isinstance(pickle.loads(pickle.dumps(model)), type(model))


def test_a_file_is_loaded_once(project):
    project("rl_main.py", "app = object()")

    assert load_target("rl_main.py:app").app is load_target("./rl_main.py:app").app


def test_files_of_the_same_name_in_two_folders_are_two_apps(project):
    project("one/rl_main.py", "app = 1")
    project("two/rl_main.py", "app = 2")

    assert [1, 2] == [load_target(f"{folder}/rl_main.py:app").app for folder in ("one", "two")]


def test_a_file_does_not_replace_a_module_that_is_in_use(project):
    import json

    project("json.py", "app = 3")

    assert 3 == load_target("json.py:app").app
    assert sys.modules["json"] is json


def test_a_factory_is_called(project):
    project("rl_shop.py", "def create_app():\n    return 9")

    assert 9 == load_target("rl_shop:create_app", factory=True).app


@pytest.mark.parametrize(
    "spec", ["rl_shop", "rl_shop:", ":app", "", "rl_shop.py", "a b", "C:\\shop\\main.py"]
)
def test_a_target_without_module_or_attribute_is_refused(project, spec):
    message = refusal(spec)

    assert message.startswith(f"target {spec!r} ")
    assert "write 'module:attr' or 'path/to/file.py:attr'" in message
    assert "\n" not in message


def test_an_unknown_module_is_named(project, tmp_path):
    assert refusal("rl_absent.main:app") == (
        f"target 'rl_absent.main:app': there is no module 'rl_absent' in {tmp_path} or on sys.path: "
        "check its spelling and run from the project's root"
    )


def test_an_unknown_module_of_a_known_package_is_named(project):
    project("rl_shop/__init__.py", "")

    assert "there is no module 'rl_shop.main'" in refusal("rl_shop.main:app")


def test_an_import_that_fails_inside_the_app_is_the_apps(project):
    project("rl_shop.py", "import rl_absent")
    line, *below = refusal("rl_shop:app").splitlines()

    assert line == (
        "target 'rl_shop:app': importing it raised ModuleNotFoundError: No module named 'rl_absent'"
    )
    assert any("rl_shop.py" in frame and "line 1" in frame for frame in below)
    assert "importlib" not in "".join(below)


def test_an_import_of_itself_that_fails_is_the_apps(project):
    project("rl_shop/__init__.py", "from rl_shop.main import app")

    assert "importing it raised ModuleNotFoundError" in refusal("rl_shop.main:app")


@pytest.mark.parametrize("place", ["rl_shop", "rl_shop.py"])
def test_an_app_that_raises_at_import_is_quoted_and_forgotten(project, place):
    project("rl_shop.py", "def connect():\n    raise ValueError('no\\nkey')\nconnect()")
    line, *below = refusal(f"{place}:app").splitlines()

    assert line == f"target '{place}:app': importing it raised ValueError: no key"
    assert any("in connect" in frame for frame in below)
    assert "rl_shop" not in sys.modules


def test_an_app_that_exits_at_import_gets_a_hint(project):
    project("rl_shop.py", "import sys\nsys.exit(2)")

    assert "SystemExit: 2; put what runs the server under if __name__" in refusal("rl_shop:app")


def test_a_syntax_error_is_shown_where_it_is(project):
    project("rl_shop.py", "app = = 3")
    message = refusal("rl_shop:app")

    assert "SyntaxError" in message.splitlines()[0]
    assert "app = = 3" in message


def test_a_file_of_a_package_with_relative_imports_gets_a_hint(project):
    project("rl_shop/__init__.py", "")
    project("rl_shop/main.py", "from . import models")

    assert "name it as rl_shop.main:attr" in refusal("rl_shop/main.py:app")


def test_an_unknown_file_is_named(project, tmp_path):
    assert refusal("rl_absent.py:app") == (
        f"target 'rl_absent.py:app': there is no file 'rl_absent.py' in {tmp_path}"
    )


def test_a_folder_is_no_file(project, tmp_path):
    (tmp_path / "rl_shop").mkdir()

    assert "is a folder" in refusal("./rl_shop:app")


def test_a_missing_attribute_is_answered_with_the_apps_that_are_there(project):
    project("rl_shop.py", APP + "def create_app(): pass\nother = 3\nfrom json import loads")

    assert refusal("rl_shop:application") == (
        "target 'rl_shop:application': rl_shop has no attribute 'application'; apps found there: rl_shop:app"
    )


def test_a_missing_attribute_is_answered_with_a_factory(project):
    project("rl_shop.py", "def create_app(): pass")

    assert refusal("rl_shop:app").endswith("; with --factory (factory=True) rl_shop:create_app may make it")


def test_a_missing_attribute_of_an_attribute_is_named(project):
    project("rl_shop.py", "class holder: pass")

    assert refusal("rl_shop:holder.app") == (
        "target 'rl_shop:holder.app': rl_shop.holder has no attribute 'app'"
    )


def test_a_module_is_no_app(project):
    project("rl_shop/__init__.py", "from rl_shop import app")
    project("rl_shop/app.py")

    assert refusal("rl_shop:app") == (
        "target 'rl_shop:app' is a module, not an app; apps found there: rl_shop.app:app"
    )


def test_a_factory_that_raises_is_quoted(project):
    project("rl_shop.py", "def create_app():\n    raise ValueError('no key')")
    line, *below = refusal("rl_shop:create_app", factory=True).splitlines()

    assert line == "target 'rl_shop:create_app': calling the factory raised ValueError: no key"
    assert any("in create_app" in frame for frame in below)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("make = 3", "cannot be called to make an app"),
        ("async def make(scope, receive, send): pass", "is the app itself"),
        ("def make(): return None", "returned None"),
        ("async def make(): return 3", "async factory"),
    ],
)
def test_a_factory_that_makes_no_app_is_refused(project, body, says):
    project("rl_shop.py", body)

    assert says in refusal("rl_shop:make", factory=True)
