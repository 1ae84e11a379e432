"""What code tools want to know: which line of which file keeps memory, how bad, and why.

Knows runs, sites and folders; not how a tool writes it down. Lines that several
tests blame are told once.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from pytest_reqleak.model.finding import Frame, Holder, Site
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import advice, wording
from pytest_reqleak.report.docs_links import category_page
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.paths import working_folder
from pytest_reqleak.units import format_bytes

_NAME = re.compile(r"[^\W\d]\w*")

ERROR, WARNING, NOTICE = "error", "warning", "notice"
"""A leak; a run without a verdict; a leak that the baseline knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNote:
    """One thing to say about one line."""

    level: str
    """`error`, `warning` or `notice`."""
    rule: str
    """Its kind, for tools that group by it: `leak-python`, `inconclusive`."""
    title: str
    text: str
    """What stays behind, what holds it and what to do; one line."""
    path: str
    """With slashes; relative where the file lies in the root folder; empty where no file is known."""
    line: int
    """From 1."""
    function: str
    code: str
    fingerprint: str
    """Stays the same while lines move in the file; no two notes share one."""
    bytes_per_iteration: float
    accepted: str
    """Why it is no failure, in the baseline's words; empty where it is one."""
    site: Site | None
    tests: tuple[str, ...]
    """The runs that blame the line, the worst first."""


def line_notes(runs: Iterable[Run], *, root: str | None = None) -> list[LineNote]:
    """Say what the runs have to say about lines, the worst first; nothing about clean runs.

    Args:
        runs: Of a session.
        root: Folder of the repository, to which paths are relative; None: the working folder.
    """
    folder = working_folder() if root is None else root
    notes: dict[tuple[str, int, str], LineNote] = {}
    for run in sorted(runs, key=lambda run: -run.bytes_per_iteration):
        for note in _notes_of(run, folder):
            # A line without a file is a whole run's.
            key = (note.path, note.line, note.rule if note.path else f"{note.rule} {note.tests[0]}")
            known = notes.get(key)
            notes[key] = note if known is None else _merged(known, note)
    order = (ERROR, WARNING, NOTICE)
    worst_first = sorted(notes.values(), key=lambda note: order.index(note.level))
    return list(_with_own_fingerprints(worst_first))


def relative_path(file: str, root: str) -> str:
    """A file's path with slashes, relative to a folder; as it is where it lies elsewhere."""
    path = file
    if root and os.path.isabs(file):
        try:
            inside = os.path.relpath(file, root)
        except ValueError:
            # Another drive of Windows.
            inside = os.pardir
        if inside.split(os.sep, 1)[0] != os.pardir:
            path = inside
    return PurePath(path).as_posix()


def is_relative(path: str) -> bool:
    """Whether a note's path lies in the repository."""
    return bool(path) and not os.path.isabs(path) and not path.startswith(("/", "<"))


def rule_of(run: Run) -> str:
    """The kind of note that a run makes: `leak-python`, `leak-native`, `inconclusive`."""
    if run.verdict is not Verdict.LEAK:
        return str(run.verdict)
    return f"leak-{run.classification[0]}" if run.classification else "leak"


def _notes_of(run: Run, root: str) -> list[LineNote]:
    if run.verdict is Verdict.CLEAN:
        return []
    sites = [site for site in wording.telling_sites(run) if site.frames]
    if not sites:
        return [_note(run, None, _test_file(run, root), root)]
    return [_note(run, site, _own_frame(site, root), root) for site in sites]


def _note(run: Run, site: Site | None, frame: Frame | None, root: str) -> LineNote:
    level = WARNING if run.verdict is Verdict.INCONCLUSIVE else NOTICE if run.is_accepted else ERROR
    path = relative_path(frame.file, root) if frame is not None else ""
    return LineNote(
        level=level,
        rule=rule_of(run),
        title=_title(run),
        text=_text(run, site),
        path=path,
        line=max(1, frame.line) if frame is not None else 1,
        function=frame.function if frame is not None else "",
        code=frame.code if frame is not None else "",
        fingerprint="",
        bytes_per_iteration=run.bytes_per_iteration if site is None else site.bytes_per_iteration,
        accepted=run.baseline.text if run.is_accepted and run.baseline is not None else "",
        site=site,
        tests=(run.name,),
    )


def _title(run: Run) -> str:
    if run.verdict is Verdict.INCONCLUSIVE:
        return "Memory may grow per request"
    return "Known memory growth per request" if run.is_accepted else "Memory grows per request"


def _text(run: Run, site: Site | None) -> str:
    parts = []
    if site is None:
        parts.append(f"{printable(run.name or 'app')}: {wording.headline(run)}.")
        parts.append(_sentence(run.reason))
    else:
        category = wording.category_text(site)
        amount = f"{format_bytes(site.bytes_per_iteration)} per {run.unit}"
        blocks = wording.averaged(site.blocks_per_iteration, "block")
        certainty = "may stay" if run.verdict is Verdict.INCONCLUSIVE else "stay"
        what = f" ({category})" if category else ""
        parts.append(f"{amount} ({blocks}) allocated here{what} {certainty} behind.")
    holders = _holders_of(run, site)
    if holders:
        parts.append(f"Held by {' or '.join(holder.path for holder in holders[:3])}.")
    if run.is_accepted and run.baseline is not None:
        parts.append(_sentence(run.baseline.text))
    if site is not None and site.remedy:
        parts.append(site.remedy)
        address = category_page(site.category)
        if address:
            parts.append(f"More: {address}")
    elif len(holders) == 1 or site is None:
        parts += advice.next_steps(replace(run, holders=tuple(holders)))[:1]
    return printable(" ".join(filter(None, parts)))


def _holders_of(run: Run, site: Site | None) -> list[Holder]:
    """The containers that may hold what a site allocates: the one that its lines name, else all."""
    if site is not None and len(run.holders) > 1:
        code = " ".join(frame.code for frame in site.frames if frame.own)
        named = [holder for holder in run.holders if _leaf(holder.path) in _NAME.findall(code)]
        return named or list(run.holders)
    return list(run.holders)


def _leaf(path: str) -> str:
    """The last name of a holder's path: `SEEN` of `shop.signing.SEEN['v1']`."""
    names = _NAME.findall(path.partition("[")[0])
    return names[-1] if names else path


def _sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."


def _own_frame(site: Site, root: str) -> Frame:
    """The user's line that lies in the repository, else the user's line, else the first one."""
    own = [frame for frame in site.frames if frame.own] or list(site.frames)
    return next((frame for frame in own if is_relative(relative_path(frame.file, root))), own[0])


def _test_file(run: Run, root: str) -> Frame | None:
    """Where nothing was traced, the test that grew is the next best place, or the app's own file."""
    node_id = run.test or (run.target if "::" in run.target else "")
    file, _, name = node_id.partition("::")
    if not file:
        file, _, name = run.target.rpartition(":")
        if not file.endswith(".py"):
            module = file.replace(".", "/") + ".py"
            file = module if file and os.path.isfile(os.path.join(root, module)) else ""
    return Frame(file=file, line=1, function=name, code="") if file else None


def _merged(worse: LineNote, other: LineNote) -> LineNote:
    """One note for a line that two runs blame; if one of them fails, the line fails."""
    order = (ERROR, WARNING, NOTICE)
    level = min(worse.level, other.level, key=order.index)
    accepted = worse.accepted if worse.accepted and other.accepted else ""
    kept = worse if worse.level == level else other
    return replace(
        kept, level=level, accepted=accepted, tests=tuple(dict.fromkeys((*worse.tests, *other.tests)))
    )


def _with_own_fingerprints(notes: Sequence[LineNote]) -> Iterable[LineNote]:
    seen: dict[str, int] = {}
    for note in notes:
        place = [note.path, note.function, note.code] if note.path else [*note.tests]
        text = "\0".join([note.rule, *place])
        number = seen[text] = seen.get(text, 0) + 1
        digest = hashlib.sha256(f"{text}\0{number}".encode("utf-8", "backslashreplace"))
        yield replace(note, fingerprint=digest.hexdigest()[:40])
