"""Files as a person wants to read them: relative, and libraries without the folders they lie in."""

from __future__ import annotations

import os
import re

from pytest_reqleak.model.finding import Frame, Site

# `…/lib/python3.12/site-packages/pydantic/main.py` -> `pydantic/main.py`. A virtual
# environment often lies inside the project, so this is looked at before the cwd.
_LIBRARY = re.compile(r".*[/\\](?:site|dist)-packages[/\\]", re.DOTALL)
_STDLIB = re.compile(r".*[/\\](?:lib|Lib)[/\\](python3\.\d+t?[/\\])", re.DOTALL)


def show_path(file: str, *, cwd: str | None = None) -> str:
    """Shorten a file's path.

    Args:
        file: Absolute, or whatever the tracer said (`<string>`).
        cwd: Paths below it become relative; None: the process's own.
    """
    library = _LIBRARY.match(file)
    if library:
        return file[library.end() :]
    folder = working_folder() if cwd is None else cwd
    if folder:
        prefix = folder if folder.endswith(("/", "\\")) else folder + os.sep
        if file.startswith(prefix):
            return file[len(prefix) :]
    stdlib = _STDLIB.match(file)
    if stdlib:
        return file[stdlib.start(1) :]
    return file


def working_folder() -> str:
    """The current folder, or the empty string where it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def show_frame(frame: Frame) -> str:
    """One line of a stack: `shop/orders.py:11 in keep`."""
    place = f"{show_path(frame.file)}:{frame.line}"
    return f"{place} in {frame.function}" if frame.function else place


def main_frame(site: Site) -> Frame | None:
    """The line to look at: the user's own, else the first one known."""
    return next((frame for frame in site.frames if frame.own), site.frames[0] if site.frames else None)


def site_name(site: Site) -> str:
    """How a site is told from others although its file changes: `shop/orders.py in keep`; empty unknown."""
    frame = main_frame(site)
    if frame is None:
        return ""
    path = show_path(frame.file).replace(os.sep, "/")
    return f"{path} in {frame.function}" if frame.function else path


def is_same_site(name: str, other: str) -> bool:
    """Whether two names of sites mean one, though they were taken in other folders or on other machines.

    The functions must agree, and the ends of the paths: two parts, or as many as the shorter one has.
    """
    if name == other:
        return True
    path, _, function = name.partition(" in ")
    other_path, _, other_function = other.partition(" in ")
    parts, other_parts = path.split("/"), other_path.split("/")
    depth = min(len(parts), len(other_parts), 2)
    return function == other_function and parts[-depth:] == other_parts[-depth:]
