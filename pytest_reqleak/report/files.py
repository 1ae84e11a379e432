"""Write a report where the user wants it, whole or not at all.

Knows folders, permissions and half-written files; not what a report says.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from pytest_reqleak.errors import UsageError

StrPath = str | os.PathLike[str]


def check_writable(path: StrPath) -> None:
    """Find out, before a run is spent on it, that a report could not be written.

    Makes and removes an empty file beside `path`: the same steps as the writing
    itself, so a read-only disk or a quota shows up here too. What is at `path`
    stays as it is.

    Raises:
        UsageError: The folder is missing, `path` is a folder, or access is denied.
    """
    try:
        target = _target(path)
        if _is_special(target):
            _refuse_unless_allowed(target)
            return
        draft = _new_draft(target)
    except (OSError, ValueError) as error:
        raise UsageError(_complaint(path, error)) from error
    try:
        draft.unlink()
    except OSError as error:
        raise UsageError(_complaint(path, error)) from error


def write_text(path: StrPath, text: str) -> None:
    """Put `text` at `path` in one step: a reader sees the old file or the new one, never a part.

    A device or a pipe (`/dev/stdout`) is written to as it is: replacing it would
    remove it for everybody. A symlink stays, and its target is replaced.

    Args:
        path: The file; made where it does not exist.
        text: Encoded as UTF-8; lone surrogates, which undecodable file names
            hold, become escapes.

    Raises:
        UsageError: It cannot be written; nothing was overwritten.
    """
    content = text.encode("utf-8", "backslashreplace")
    try:
        target = _target(path)
        if _is_special(target):
            target.write_bytes(content)
            return
        draft = _new_draft(target)
    except (OSError, ValueError) as error:
        raise UsageError(_complaint(path, error)) from error
    try:
        draft.write_bytes(content)
        if target.exists():
            draft.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(draft, target)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UsageError(_complaint(path, error)) from error
        raise


def _target(path: StrPath) -> Path:
    if not os.fspath(path):
        raise ValueError("the name of the file is empty")
    return Path(os.path.realpath(path))


def _is_special(target: Path) -> bool:
    return target.exists() and not target.is_file() and not target.is_dir()


def _new_draft(target: Path) -> Path:
    """Make an empty file beside the target, with the mode that the umask gives any new file."""
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder")
    if not target.parent.is_dir():
        raise NotADirectoryError(f"the folder {target.parent} does not exist")
    if target.exists():
        _refuse_unless_allowed(target)
    draft = target.parent / f".reqleak-{secrets.token_hex(6)}.tmp"
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return draft


def _refuse_unless_allowed(target: Path) -> None:
    # Replacing a file needs no right to write to it, but whoever took that right
    # away from a file wants to keep it.
    if not os.access(target, os.W_OK):
        raise PermissionError(13, os.strerror(13))


def _complaint(path: StrPath, error: OSError | ValueError) -> str:
    shown = os.fspath(path)
    if isinstance(error, IsADirectoryError):
        return f"cannot write {shown!r}: it is a folder; name a file inside it"
    if isinstance(error, NotADirectoryError) and error.errno is None:
        return f"cannot write {shown!r}: {error}; make it first"
    if isinstance(error, OSError):
        return f"cannot write {shown!r}: {error.strerror or error}"
    return f"cannot write {shown!r}: {error}"
