"""Whose code a file is: the user's, a library's, the server's or the harness's.

Knows paths only; nothing is read from disk.
"""

from __future__ import annotations

import os
import sysconfig
from dataclasses import dataclass, field
from enum import Enum


class Origin(str, Enum):
    """Who wrote a line, as far as a reader of a report cares."""

    OWN = "own"
    LIBRARY = "library"
    SERVER = "server"
    """Calls the app: its frames say nothing about a leak."""
    STDLIB = "stdlib"
    HARNESS = "harness"
    """pytest-reqleak itself, pytest and its machinery."""


HARNESS_PACKAGES = frozenset({"pytest_reqleak", "_pytest", "pytest", "pluggy", "xdist", "execnet"})
SERVER_PACKAGES = frozenset({"uvicorn", "granian", "hypercorn", "gunicorn", "daphne", "waitress", "cheroot"})
_PACKAGE_FOLDERS = ("/site-packages/", "/dist-packages/")
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _stdlib_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple(dict.fromkeys(paths[name] for name in ("stdlib", "platstdlib") if name in paths))


def _script_folders() -> tuple[str, ...]:
    """Where installed commands are: some packages (bottle) put themselves there too, and are found first."""
    folder = sysconfig.get_path("scripts")
    return (folder,) if folder else ()


@dataclass(frozen=True, slots=True)
class CodeMap:
    """Tells the user's own files from all others.

    Everything under a `site-packages` or `dist-packages` folder is a library,
    wherever that folder is: a virtual environment inside the project is no
    code of the project.
    """

    stdlib: tuple[str, ...] = field(default_factory=_stdlib_folders)
    """Folders of the standard library."""
    libraries: tuple[str, ...] = field(default_factory=_script_folders)
    """More folders whose files are not the user's."""
    harness: tuple[str, ...] = (_HERE,)
    """Folders of the harness."""

    def origin(self, file: str) -> Origin:
        """Whose code `file` is; generated code (`<string>`) counts as a library's."""
        if file.startswith("<"):
            return Origin.STDLIB if file.startswith("<frozen") else Origin.LIBRARY
        path = file.replace(os.sep, "/") if os.sep != "/" else file
        if _under(path, self.harness):
            return Origin.HARNESS
        package = package_of(path)
        if package:
            if package in HARNESS_PACKAGES:
                return Origin.HARNESS
            return Origin.SERVER if package in SERVER_PACKAGES else Origin.LIBRARY
        if _under(path, self.stdlib):
            return Origin.STDLIB
        if _under(path, self.libraries):
            # The command that was typed, a script without suffix, calls the harness and no app.
            return Origin.LIBRARY if path.endswith(".py") else Origin.HARNESS
        if not file:
            return Origin.LIBRARY
        return Origin.OWN

    def is_own(self, file: str) -> bool:
        """Whether the user wrote `file`."""
        return self.origin(file) is Origin.OWN


def package_of(path: str) -> str:
    """The installed package that a file belongs to: `fastapi`; empty where it is not installed."""
    for folder in _PACKAGE_FOLDERS:
        _, found, rest = path.rpartition(folder)
        if found:
            return rest.partition("/")[0].removesuffix(".py")
    return ""


def _under(path: str, folders: tuple[str, ...]) -> bool:
    return any(path.startswith(folder.replace(os.sep, "/").rstrip("/") + "/") for folder in folders)
