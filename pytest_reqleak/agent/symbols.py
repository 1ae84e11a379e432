"""Native frames as a person reads them: the symbol and the library it is from.

memray tells the symbol and, where the library was built with debug information,
the line of its source; which library it is must be found out here.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

from pytest_reqleak.agent.windows import Stack
from pytest_reqleak.model.raw import RawFrame

_MOST_FRAMES = 6
_MOST_LOOKED = 24
# What only carries the call from one line of Python to C code. No name is listed that says something.
_INTERPRETER = (
    "_PyEval_",
    "PyEval_",
    "_PyObject_",
    "PyObject_",
    "_PyFunction_",
    "cfunction_",
    "method_vectorcall",
    "vectorcall_",
    "type_call",
    "slot_tp_",
    "PyVectorcall_",
    "_PyVectorcall_",
    "builtin_exec",
    "run_eval_code",
    "trampoline_",
    "call_function",
)
_UNKNOWN = ("<unknown>", "", "???")
# glibc's own names for what others know without the prefix.
_PREFIXES = ("__GI_", "__libc_", "__")


def is_pythons(allocator: int) -> bool:
    """Whether a record of memray is of Python's own allocator."""
    import memray

    return memray.AllocatorType(allocator).name.startswith("PYMALLOC")


def native_frames(record: Any) -> Stack:
    """The C and Rust frames between an allocation and the first line of Python, innermost first.

    Their file is in angle brackets, so that nobody takes it for a source of the user's.
    """
    python = record.stack_trace(1)
    first = python[0] if python else None
    found: list[RawFrame] = []
    for frame in record.hybrid_stack_trace(_MOST_LOOKED):
        if frame == first or len(found) == _MOST_FRAMES:
            break
        function, file, line = frame
        if function in _UNKNOWN or function.startswith(_INTERPRETER):
            continue
        found.append((f"<{'' if file in _UNKNOWN else os.path.normpath(file)}>", line, function))
    return tuple(found)


class Libraries:
    """Finds the shared library that a symbol is from, among those that are loaded."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._loaded: list[tuple[str, Any]] | None = None

    def name(self, frame: RawFrame) -> RawFrame:
        """The frame with its library in place of a source that nobody has: `<libc.so.6>`."""
        file, line, function = frame
        if not file.startswith("<") or not file.endswith(">"):
            return frame
        library = self._library_of(function)
        source = file[1:-1]
        if not library:
            return frame if source else ("<native>", line, function)
        return (f"<{library} {source}>" if source else f"<{library}>", line, function)

    def _library_of(self, symbol: str) -> str:
        if symbol not in self._known:
            bare = symbol.partition("(")[0]
            names = [bare, *(bare[len(prefix) :] for prefix in _PREFIXES if bare.startswith(prefix))]
            self._known[symbol] = next(
                (path for path, library in self._libraries() for name in names if _has(library, name)), ""
            )
        return self._known[symbol]

    def _libraries(self) -> list[tuple[str, Any]]:
        if self._loaded is None:
            self._loaded = []
            for path in _loaded_paths():
                try:
                    # Already loaded: this takes a reference to it and runs nothing.
                    library = ctypes.CDLL(path, mode=os.RTLD_LAZY | getattr(os, "RTLD_NOLOAD", 0))
                except OSError:
                    continue
                self._loaded.append((os.path.basename(path), library))
        return self._loaded


def _loaded_paths() -> list[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = [line.split(None, 5)[5].strip() for line in maps if ".so" in line]
    except (OSError, IndexError):
        return []
    return list(dict.fromkeys(path for path in paths if path.startswith("/")))


def _has(library: Any, name: str) -> bool:
    """Whether a library itself, not one that it is linked to, offers a symbol."""
    if not name.isidentifier():
        return False
    try:
        # Not as an attribute: a symbol may be called as one of the library object's own.
        address = ctypes.cast(library[name], ctypes.c_void_p).value
    except (AttributeError, ValueError):
        return False
    return address is not None and _home(address) == os.path.basename(library._name)


class _Info(ctypes.Structure):
    """What `dladdr` fills in."""

    _fields_ = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    ]


def _home(address: int) -> str:
    """The file name of the library in which an address lies; empty where the system does not tell."""
    try:
        ask = ctypes.CDLL(None).dladdr
    except (OSError, AttributeError, TypeError):
        return ""
    ask.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Info)]
    info = _Info()
    if not ask(address, ctypes.byref(info)) or not info.file:
        return ""
    return os.path.basename(os.fsdecode(info.file))
