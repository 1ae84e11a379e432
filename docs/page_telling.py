"""What an output tells: all of it that must be so again whenever its command is run.

Figures move from run to run, frames of libraries from release to release, and the order of
what grows alike with both. What is left: the verdicts, the workload, the meter that shows it, the
kinds, the sites and the code of the page's own files, who holds the memory, which objects of the app stay,
what to do next, the names of what failed and where, the shape of tables and documents, and how it ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise

_TOKEN = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b")
"""A random name, such as that of a visitor."""
_FIGURE = re.compile(r"[\d][\d.,]*(?: (?:B|KiB|MiB|s|%))?")

_VERDICT = re.compile(r"(?:KNOWN LEAK|LEAK|CLEAN|INCONCLUSIVE): \D*")
_SENT = re.compile(r"(?:CLEAN: | {2})([\d,]+ (?:request|iteration)s .*), [^,]*$")
_METER = re.compile(r" {2}(\w[\w ]*\w) {2,}\+[^/]+/(?:request|iteration) ")
_CAUSE = re.compile(r" {2}(resource|cycles|bounded|python|native|mapped|allocator)\b.*: ")
_SITE = re.compile(r" +\S+ \w+ +\S+ blocks? +\d+ %(?: {2,}(\S.*))?$")
_FRAME = re.compile(r"\s+(\S+\.py):\d+ in ")
_NESTED = re.compile(r" in (?:[\w<>]+\.)+(?=\w+$)")
_HOLDER = re.compile(r"\s+\S+: (?:list|dict|set|deque|bytearray), ")
_TYPE = re.compile(r" +\+\S+ {2}(\w+\.[\w.]+)$")
_IGNORED = re.compile(r" {2}(ignored: .*)")
_KNOWN = re.compile(r" {2}(\S+\.json: .*)")
_FAILED = re.compile(r"FAILED (\S+)|(\S+\.py:\d+: MemoryGrowth)$")
_ENDED = re.compile(r"exit code \d+|\d+ (?:passed|failed|xfailed)")
_HEADS = ("What kind", "Allocated at", "Held by", "Objects that stay", "What to do next")
_WORDS = ("leak", "clean", "inconclusive")
"""With which the row of a test in a summary begins."""


def telling(output: str, own_files: tuple[str, ...]) -> list[str]:
    """What an output says, without what moves from run to run and from release to release.

    Args:
        output: Shown in a page, or printed now.
        own_files: Names of the page's files, or of their folder; frames in others are the libraries'.
    """
    try:
        return list(_keys(json.loads(output)))
    except ValueError:
        return list(_lines(output.splitlines(), own_files))


def missing_lines(shown: str, printed: str, own_files: tuple[str, ...]) -> list[str]:
    """What a page tells of an output, and what is not so now."""
    now = set(telling(printed, own_files))
    return [line for line in telling(shown, own_files) if line not in now]


def _keys(document: object, path: str = "") -> Iterator[str]:
    """The shape of a document: the paths of its keys."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield f"{path}/{key}"
            yield from _keys(value, f"{path}/{key}")


def _lines(lines: list[str], own_files: tuple[str, ...]) -> Iterator[str]:
    section = ""
    own_modules = {file.split("/")[0].removesuffix(".py") for file in own_files}
    n_sites = n_meters = 0
    is_first = False
    for line, following in pairwise([*lines, ""]):
        if line.startswith(_HEADS):
            section = next(head for head in _HEADS if line.startswith(head))
            yield section
        if verdict := _VERDICT.match(line):
            section, n_sites, n_meters = "", 0, 0
            yield verdict[0].split("(")[0].strip()
        if sent := _SENT.match(line):
            yield sent[1]
        if meter := _METER.match(line):
            n_meters += 1
            if n_meters == 1:
                yield f"meter: {meter[1]}"
        if section == "What kind" and (cause := _CAUSE.match(line)):
            yield f"kind: {cause[1]}"
        if site := _SITE.match(line):
            n_sites += 1
            is_first = True
            # Below the first site lie those that share the rest, in an order that moves.
            if n_sites == 1:
                yield f"site: {site[1] or 'no category'}"
        elif frame := _FRAME.match(line):
            if frame[1].endswith(own_files) or (n_sites == 1 and frame[1].startswith(own_files)):
                # Before Python 3.11 code does not know in what it is nested.
                yield _NESTED.sub(" in ", line.strip())
                # Code is shown for the line that allocates, and for others where there is room.
                if is_first and n_sites == 1 and following.startswith(" " * 8):
                    yield following.strip()
            is_first = False
        if _HOLDER.match(line):
            yield _TOKEN.sub("#", line.split(": ")[0].strip())
        kind = _TYPE.match(line) if section == "Objects that stay" else None
        if kind is not None and kind[1].split(".")[0] in own_modules:
            yield f"stays: {kind[1]}"
        if section == "What to do next" and line.startswith("  "):
            yield line.strip()
        if known := _KNOWN.match(line):
            yield _FIGURE.sub("#", known[1].split("(")[0].split(";")[0]).strip()
        if ignored := _IGNORED.match(line):
            yield ignored[1]
        yield from _of_tests(line)
        yield from _of_tables(line)


def _of_tests(line: str) -> Iterator[str]:
    """What pytest says of tests that failed, and of all of them at the end."""
    if failed := _FAILED.match(line):
        yield failed[1] or failed[2]
    if ended := _ENDED.match(line):
        yield ended[0]


def _of_tables(line: str) -> Iterator[str]:
    """The columns of a summary or a comparison, its rows without figures, and the sentence below."""
    words = line.split()
    if words[:1] in (["verdict"], ["server"]):
        yield " ".join(words)
    elif words[:1] and words[0] in _WORDS and len(words) > 2:
        yield f"row: {words[0]}"
    elif len(words) > 2 and line[:1].strip() and words[0].isalpha() and set(words[1:3]) & set(_WORDS):
        yield f"row: {words[0]} {next(word for word in words[1:3] if word in _WORDS)}"
    elif line.startswith(("It is ", "and ")) and ("behind" in line or " more that " in line):
        yield _FIGURE.sub("#", line)
