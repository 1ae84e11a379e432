"""Make and keep the environments of the cases: one for each set of pins and Python version.

An environment holds the case's pins and the dependencies of this project, solved
together. The project itself is not installed: it is put on the path of each run,
so that a cached environment measures the code as it is now.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# A version X.Y or X.Y.Z as the name of a folder, as pyenv and most installers lay them out.
_VERSION = re.compile(r"(?:cpython-|python)?(\d+\.\d+)(?:\.(\d+))?\b.*")
_PIP_SECONDS = 600


class NoEnvironment(Exception):
    """The environment of a case could not be made."""


class Wants(Protocol):
    """What an environment is made for: a case, or anything else with these two."""

    @property
    def python(self) -> str:
        """Major and minor version: `3.12`."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Pinned requirements."""
        ...


@dataclass(frozen=True)
class Environment:
    """A Python that can import a case and this project's dependencies."""

    python: Path
    note: str = ""
    """What differs from what the case asked for; empty: nothing."""


class Here:
    """The running Python for every case, whatever its pins: for cases that need nothing special."""

    def get(self, case: Wants) -> Environment:
        """The running Python."""
        running = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return Environment(Path(sys.executable), f"ran on {running} without its pins" if case.needs else "")


class Environments:
    """All environments, in one folder that later runs use again."""

    def __init__(
        self, folder: Path, *, python_folders: tuple[Path, ...] = (), more: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.python_folders = python_folders
        self._requirements = [*own_requirements(), *more]

    def get(self, case: Wants) -> Environment:
        """Find or make the environment of a case; the first time takes some seconds.

        What else the tools of this run need (`more`) is added to an environment that lacks it.

        Raises:
            NoEnvironment: No Python was found, or pip failed; the end of its output is shown.
        """
        interpreter, note = self._interpreter(case.python)
        version = _version_of(interpreter)
        key = hashlib.sha256("\n".join([version, *sorted(case.needs)]).encode()).hexdigest()[:16]
        home = self.folder / f"py{version}-{key}"
        python = home / "bin" / "python"
        stamp = home / "installed.txt"
        wanted = "\n".join(sorted({*case.needs, *self._requirements})) + "\n"
        # Written last, so an environment whose making was interrupted is made again.
        present = set(stamp.read_text("utf-8").splitlines()) if stamp.exists() else set()
        if not present >= set(wanted.splitlines()):
            if not stamp.exists():
                shutil.rmtree(home, ignore_errors=True)
                _call([str(interpreter), "-m", "venv", "--without-pip", str(home)])
            self._install(python, case)
            stamp.write_text("\n".join(sorted(present | set(wanted.splitlines()))) + "\n", "utf-8")
        return Environment(python, note)

    def _install(self, python: Path, case: Wants) -> None:
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        install = [*pip, "install", "-q", "--prefer-binary", "--disable-pip-version-check"]
        _call([*install, *case.needs, *self._requirements])

    def _interpreter(self, wanted: str) -> tuple[Path, str]:
        found = self._by_version()
        if wanted in found:
            return found[wanted], ""
        if wanted.count(".") == 2:
            raise NoEnvironment(f"needs Python {wanted}, the one in which the bug is, and it is not here")
        running = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return Path(sys.executable), f"wanted Python {wanted}, ran on {running}"

    def _by_version(self) -> dict[str, Path]:
        found: dict[str, tuple[int, Path]] = {}
        exact: dict[str, Path] = {}
        for folder in self.python_folders:
            for home in folder.iterdir() if folder.is_dir() else ():
                match = _VERSION.fullmatch(home.name)
                python = home / "bin" / "python3"
                if match and python.exists():
                    patch = int(match[2] or 0)
                    exact[f"{match[1]}.{patch}"] = python
                    if patch >= found.get(match[1], (-1, python))[0]:
                        found[match[1]] = (patch, python)
        pythons = {version: python for version, (_, python) in found.items()} | exact
        for minor in range(10, 20):
            version = f"3.{minor}"
            on_path = shutil.which(f"python{version}")
            # pyenv's shims are on the path for versions that are not switched on.
            if version not in pythons and on_path and _answers(on_path):
                pythons[version] = Path(on_path)
        return pythons


def default_python_folders() -> tuple[Path, ...]:
    """Where Pythons of several versions are usually kept side by side."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return (pyenv / "versions", Path.home() / ".local/share/uv/python")


def own_requirements() -> list[str]:
    """The dependencies of this project, without its extras."""
    requires = importlib.metadata.requires("pytest-reqleak") or []
    return [requirement for requirement in requires if "extra ==" not in requirement]


def _version_of(python: Path) -> str:
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    return _call([str(python), "-c", code]).strip()


def _answers(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def _call(command: list[str]) -> str:
    # A virtual environment of the caller must not leak into the one being made.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=_PIP_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoEnvironment(f"{' '.join(command[:4])} …: {error}") from error
    if done.returncode:
        tail = "\n    ".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise NoEnvironment(f"{' '.join(command)} failed:\n    {tail}")
    return done.stdout
