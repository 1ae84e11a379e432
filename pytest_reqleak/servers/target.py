"""Load the app that an import string names.

Knows how to find an object and how to say what is wrong when it is not there;
not what an app is for. What is missing is told apart from what fails: an
ImportError inside the app is the app's own, and shown as such.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from itertools import repeat
from operator import is_
from types import ModuleType
from typing import Any

from pytest_reqleak.errors import TargetError, TargetFailed
from pytest_reqleak.servers.failure import describe_exception, has_frames_of_the_app, told
from pytest_reqleak.servers.interface import looks_like_app, looks_like_factory

_HOW = "write 'module:attr' or 'path/to/file.py:attr'"
_FACTORY_NAMES = ("create_app", "make_app", "get_app", "build_app", "app_factory", "create_application")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A loaded app and what reports call it."""

    app: Any
    name: str
    """`module:attr`, or `file.py:attr` without the folder."""


class _FileLoader(SourceFileLoader):
    """Marks the modules that were loaded from a file here."""


def load_target(spec: str, *, factory: bool = False) -> Target:
    """Load the object that `spec` names, with the working directory importable.

    A file is loaded as a module under its stem with its folder first on
    `sys.path`, as if it were run; it stays in `sys.modules`, so that classes
    defined in it can be pickled and what holds memory can be named.

    Args:
        spec: `module:attr[.attr]` or `path/to/file.py:attr[.attr]`.
        factory: Call the attribute to make the app.

    Raises:
        TargetError: Nothing can be loaded, in one line; where the app itself
            raised, its exception is in the line and its traceback below.
    """
    place, colon, path = spec.strip().rpartition(":")
    # A drive letter is no separator: C:\app.py names no attribute.
    if not colon or not place or not path or "/" in path or "\\" in path:
        raise TargetError(f"target {spec!r} does not name an app: {_HOW}{_suggest_attribute(spec)}")
    if not all(part.isidentifier() for part in path.split(".")):
        raise TargetError(f"target {spec!r}: {path!r} is no attribute name: {_HOW}")
    _make_importable(os.getcwd())
    if place.endswith(".py") or "/" in place or os.sep in place:
        module, name = _load_file(place, spec), f"{os.path.basename(place)}:{path}"
    else:
        module, name = _load_module(place, spec), f"{place}:{path}"
    app = _attribute(module, path, spec)
    if factory:
        app = _call_factory(app, spec)
    elif isinstance(app, ModuleType):
        raise TargetError(f"target {spec!r} is a module, not an app{_suggest(app, f'{place}.{path}')}")
    return Target(app=app, name=name)


def _load_module(name: str, spec: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise TargetError(f"target {spec!r}: {name!r} is no module name: {_HOW}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        ours = name == missing or name.startswith(f"{missing}.")
        if not ours or has_frames_of_the_app(error.__traceback__):
            raise _import_failed(spec, error) from error
        raise TargetError(
            f"target {spec!r}: there is no module {missing!r} in {os.getcwd()} or on sys.path: "
            "check its spelling and run from the project's root"
        ) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(spec, error) from error


def _load_file(place: str, spec: str) -> ModuleType:
    file = os.path.realpath(place)
    if os.path.isdir(file):
        raise TargetError(f"target {spec!r}: {place!r} is a folder: name the file in it that makes the app")
    if not os.path.isfile(file):
        raise TargetError(f"target {spec!r}: there is no file {place!r} in {os.getcwd()}")
    name = os.path.splitext(os.path.basename(file))[0]
    known = sys.modules.get(name)
    if known is not None:
        if _loaded_from(known) == file:
            return known
        if not isinstance(known.__spec__ and known.__spec__.loader, _FileLoader):
            # Another module of this name is in use; replacing it would break who imported it.
            name = f"reqleak_target_{name}"
    _make_importable(os.path.dirname(file))
    module_spec = importlib.util.spec_from_file_location(name, file, loader=_FileLoader(name, file))
    assert module_spec is not None and module_spec.loader is not None  # noqa: PT018 - we gave the loader
    module = importlib.util.module_from_spec(module_spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
    except BaseException as error:
        if before is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before
        if isinstance(error, (Exception, SystemExit)):
            raise _import_failed(spec, error, file=file) from error
        raise
    # A module may replace itself in sys.modules, as it may when it is imported.
    return sys.modules.get(name, module)


def _import_failed(spec: str, error: BaseException, *, file: str | None = None) -> TargetFailed:
    hint = ""
    if isinstance(error, ImportError) and "relative import" in str(error) and file is not None:
        hint = f"; the file is part of a package: name it as {_dotted(file)}:attr"
    elif isinstance(error, SystemExit):
        hint = "; put what runs the server under if __name__ == '__main__'"
    return TargetFailed(
        told(f"target {spec!r}: importing it raised {describe_exception(error)}{hint}", error)
    )


def _attribute(module: ModuleType, path: str, spec: str) -> Any:
    found: Any = module
    walked: list[str] = []
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            owner = ".".join([module.__name__, *walked])
            hint = _suggest(module, spec.rpartition(":")[0]) if not walked else ""
            raise TargetError(f"target {spec!r}: {owner} has no attribute {part!r}{hint}") from None
        except Exception as error:
            # A module's __getattr__ and properties are the app's code.
            raise _import_failed(spec, error) from error
        walked.append(part)
    return found


def _call_factory(make: Any, spec: str) -> Any:
    if not callable(make):
        raise TargetError(
            f"target {spec!r} is an object of type {type(make).__qualname__}, which cannot be called "
            "to make an app: leave --factory (factory=True) out"
        )
    if looks_like_app(make):
        raise TargetError(f"target {spec!r} is the app itself: leave --factory (factory=True) out")
    try:
        app = make()
    except (Exception, SystemExit) as error:
        raise TargetFailed(
            told(f"target {spec!r}: calling the factory raised {describe_exception(error)}", error)
        ) from error
    if inspect.iscoroutine(app):
        app.close()
        raise TargetError(f"target {spec!r} is an async factory: name a function that returns the app itself")
    if app is None:
        raise TargetError(f"target {spec!r}: the factory returned None: it must return the app")
    return app


def home_of_app(app: Any) -> tuple[str, str] | None:
    """The module of which an app is a global, and its name there; None where it is none."""
    homes = []
    for module, names in _globals_by_module():
        # Tens of thousands of names in all: no step of Python for each.
        if any(map(is_, list(names.values()), repeat(app))):
            homes += [(module, name) for name, value in list(names.items()) if value is app]
    if not homes:
        return None
    # Where it was made rather than a test that imported it.
    made_in = getattr(app, "__module__", None)
    return min(homes, key=lambda home: (home[0] != made_in, home[0].rpartition(".")[2].startswith("test_")))


def target_of(app: Any) -> str | None:
    """What names an app object in another process; None where nothing does."""
    home = home_of_app(app)
    if home is None:
        return None
    module, name = home
    file = getattr(sys.modules[module], "__file__", None)
    if "." not in module and isinstance(file, str) and file.endswith(".py"):
        # Run as a script, or imported under a name that another process may not find.
        return f"{os.path.abspath(file)}:{name}"
    return f"{module}:{name}"


def _globals_by_module() -> Iterator[tuple[str, dict[str, Any]]]:
    """The names of all modules, without loading those that are to be loaded lazily."""
    for module_name, module in list(sys.modules.items()):
        try:
            # Not vars(): a lazy module is loaded by any look at its attributes.
            yield module_name, object.__getattribute__(module, "__dict__")
        except AttributeError:
            continue


def _suggest(module: ModuleType, place: str) -> str:
    """Name what the user may have meant among the module's own names."""
    names = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    apps = [name for name, value in names.items() if looks_like_app(value)]
    if apps:
        return f"; apps found there: {', '.join(f'{place}:{name}' for name in sorted(apps)[:5])}"
    factories = [name for name in _FACTORY_NAMES if looks_like_factory(names.get(name))]
    if factories:
        return f"; with --factory (factory=True) {place}:{factories[0]} may make it"
    return "; no app was found there"


def _suggest_attribute(spec: str) -> str:
    place = spec.strip().rstrip(":")
    # A text that begins with a colon has the attribute, and lacks the module.
    if not place or place.startswith(":") or any(char.isspace() for char in place):
        return ""
    return f", such as {place.rstrip(':')}:app"


def _loaded_from(module: ModuleType) -> str | None:
    spec = module.__spec__
    if spec is None or not isinstance(spec.loader, _FileLoader) or spec.origin is None:
        return None
    return os.path.realpath(spec.origin)


def _dotted(file: str) -> str:
    """The name under which a file of a package is imported."""
    folder, base = os.path.split(file)
    parts = [os.path.splitext(base)[0]]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    return ".".join(parts)


def _make_importable(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)
