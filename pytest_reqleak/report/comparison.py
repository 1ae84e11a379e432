"""Several runs of one workload beside each other, and one sentence that says what differs.

Knows the model only: the runs may be fresh or stored. A column that says nothing
is left out, and on a narrow page those go first that say least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_reqleak.model.meter import Cause, Meter, Phase, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import wording
from pytest_reqleak.report.chart import JUDGED, least_span
from pytest_reqleak.report.page import Page, Span
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.report.sparkline import resample, sparkline
from pytest_reqleak.report.summary import verdict_style
from pytest_reqleak.units import format_average, format_bytes, format_count

ALIKE = 0.25
"""Rates that differ by less than this share of the smaller are the same: those of one leaky app
lie within a tenth of each other after 600 requests, and a server that leaks adds far more."""

CURVE_CELLS = (16, 12, 8)
"""How wide the curve is: a smaller one comes before a column is left out."""
_MOST_LABEL = 40
_LEAST_LABEL = 12
_NOT_MEASURED = "not measured"

_OWN_SERVERS = ("bundled", "direct")
"""Their version is that of pytest-reqleak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of the runs that are compared."""

    label: str
    """What was chosen for it, such as `granian --task-impl rust`."""
    run: Run | None = None
    """None: it could not be measured."""
    problem: str = ""
    """Why not."""
    server: str = ""
    """The server with its arguments, without the allocator."""

    @property
    def version(self) -> str:
        """Of the server, where it was measured."""
        return self.run.server.version if self.run is not None else ""

    @property
    def name(self) -> str:
        """The label, with the version of a server that is not ours: `granian 2.8.7 --task-impl rust`."""
        server = self.run.server if self.run is not None else None
        if server is None or not server.version or server.name in _OWN_SERVERS:
            return self.label
        head, _, tail = self.label.partition(server.name)
        return f"{head}{server.name} {server.version}{tail}"


def comparison_report(
    entries: Sequence[Entry], *, width: int = 80, color: bool = False, unicode: bool = True
) -> str:
    """Print runs as a table, and the sentence.

    Args:
        entries: At least one, in the order in which they were run.
        width: Columns of the terminal; no line is wider.
        color: Whether to style it with escape sequences.
        unicode: Whether the stream can carry block characters.

    Returns:
        Lines without a newline at the end.
    """
    page = Page(width=width, color=color, unicode=unicode)
    run = next((entry.run for entry in entries if entry.run is not None), None)
    if run is not None:
        page.paragraph((f"{run.target or 'app'}:", "bold"), wording.workload_text(run), "on each", hang=2)
        page.blank()
    _table(page, entries)
    for entry in entries:
        if entry.run is None:
            page.blank()
            page.paragraph((f"{entry.label}:", "bold yellow"), entry.problem, hang=2)
    page.blank()
    sentence = difference(entries)
    page.paragraph((sentence[:1].upper() + sentence[1:] + ".", "bold"), hang=2)
    return page.text()


def difference(entries: Sequence[Entry]) -> str:
    """Say in one sentence what differs: the app, the server, native code or the allocator."""
    measured = [entry for entry in entries if entry.run is not None]
    missing = [entry.label for entry in entries if entry.run is None]
    tail = f"; {_listed(missing)} could not be measured" if missing else ""
    if not measured:
        return f"nothing can be compared{tail}"
    leaking = _with(measured, Verdict.LEAK)
    unsure = _with(measured, Verdict.INCONCLUSIVE)
    clean = _with(measured, Verdict.CLEAN)
    if unsure:
        verb = "gives" if len(unsure) == 1 else "give"
        tail = f"; {_names(unsure)} {verb} no certain answer{tail}"
    if not leaking:
        if not clean:
            return f"nothing can be said{tail}"
        return _all_clean(clean) + tail
    if all(map(_is_native, leaking)):
        # Such as under mimalloc, which counts what it has taken and not what is in use.
        blind = [entry for entry in clean if Meter.HEAP_BYTES not in _run(entry).samples.readings]
        clean = [entry for entry in clean if entry not in blind]
        if blind:
            tail = f"; what native code holds on {_names(blind)} cannot be seen{tail}"
    return (_some_leak(leaking, clean) if clean else _all_leak(leaking)) + tail


def requests_per_second(run: Run) -> float | None:
    """The pace of the measurement, its samples included; None where it took no time."""
    measured = run.samples.only(Phase.MEASURE)
    if len(measured) < 2 or measured.seconds[-1] <= measured.seconds[0]:
        return None
    return (measured.iterations[-1] - measured.iterations[0]) / (measured.seconds[-1] - measured.seconds[0])


def _all_clean(clean: Sequence[Entry]) -> str:
    kept = [entry for entry in clean if "allocator" in {caveat.slug for caveat in _run(entry).caveats}]
    if kept:
        size = format_bytes(max(_rate(entry, Meter.RSS_BYTES) for entry in kept))
        return (
            f"it is the allocator: nothing that is in use grows, but RSS rises by up to {size} per "
            f"{_run(kept[0]).unit} on {_names(kept)}"
        )
    return f"nothing differs: no {_run(clean[0]).unit} leaves anything behind on {_names(clean)}"


def _all_leak(leaking: Sequence[Entry]) -> str:
    low = min(_size(entry) for entry in leaking)
    base = [entry for entry in leaking if _size(entry) <= low * (1 + ALIKE)]
    more = [entry for entry in leaking if entry not in base]
    who = "native code that the app calls" if all(map(_is_native, leaking)) else "the app"
    each = f"each {_run(leaking[0]).unit} leaves"
    where = _common_site(leaking)
    if not more:
        alike = " alike" if len(leaking) > 1 else ""
        return f"it is {who}: {each} {_amount(base)} behind on {_names(base)}{alike}{where}"
    other = "the allocator" if _differ_by_allocator_only(base, more) else "the server"
    return (
        f"it is {who}, and {other} adds to it: {each} {_amount(base)} behind on {_names(base)}, "
        f"and {_amount(more)} on {_names(more)}{where}"
    )


def _some_leak(leaking: Sequence[Entry], clean: Sequence[Entry]) -> str:
    if _differ_by_allocator_only(leaking, clean):
        who = "the allocator"
    else:
        native = "native code of " if all(map(_is_native, leaking)) else ""
        who = f"{native}{_names(leaking)}, not the app alone"
    causes = _run(leaking[0]).causes
    why = f" ({causes[0].text})" if causes else ""
    there = "there" if "," in who else f"on {_names(leaking)}"
    return (
        f"it is {who}: each {_run(leaking[0]).unit} leaves {_amount(leaking)} behind {there}{why}, "
        f"and nothing on {_names(clean)}"
    )


def _differ_by_allocator_only(some: Sequence[Entry], others: Sequence[Entry]) -> bool:
    """Whether each run of the one kind has a twin of the other kind on the same server."""
    return {(entry.server, entry.version) for entry in some} == {
        (entry.server, entry.version) for entry in others
    }


def _common_site(leaking: Sequence[Entry]) -> str:
    """Where all of them allocate what stays, if that is one place."""
    sites = [wording.telling_sites(_run(entry)) for entry in leaking]
    frames = {main_frame(found[0]) if found else None for found in sites}
    frame = frames.pop() if len(frames) == 1 else None
    return f", allocated at {show_frame(frame)}" if frame is not None else ""


def _amount(entries: Sequence[Entry]) -> str:
    """What is left behind: bytes, or what else grows."""
    sizes = sorted(_size(entry) for entry in entries)
    if sizes[-1] <= 0:
        return "something"
    low, high = format_bytes(sizes[0]), format_bytes(sizes[-1])
    return low if sizes[-1] <= sizes[0] * (1 + ALIKE) or low == high else f"{low} to {high}"


def _is_native(entry: Entry) -> bool:
    kinds = set(_run(entry).classification)
    return Cause.NATIVE in kinds and not kinds & {Cause.PYTHON, Cause.RESOURCE, Cause.CYCLES}


def _with(entries: Sequence[Entry], verdict: Verdict) -> list[Entry]:
    return [entry for entry in entries if _run(entry).verdict is verdict]


def _run(entry: Entry) -> Run:
    assert entry.run is not None
    return entry.run


def _size(entry: Entry) -> float:
    return _run(entry).bytes_per_iteration


def _rate(entry: Entry, meter: Meter) -> float:
    growth = _run(entry).growth_of(meter)
    return growth.per_iteration if growth is not None else 0.0


def _names(entries: Sequence[Entry]) -> str:
    return _listed([entry.name for entry in entries])


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cells: list[str]
    right: bool
    rank: int
    """The column of the highest rank is left out first; 0: never."""
    style: Callable[[Entry], str] = lambda entry: ""


def _table(page: Page, entries: Sequence[Entry]) -> None:
    forms = [_columns(page, entries, curve_cells) for curve_cells in CURVE_CELLS]
    columns = next((form for form in forms if _over(page, form) <= 0), forms[-1])
    while _over(page, columns) > 0 and any(column.rank for column in columns):
        columns.remove(max(columns, key=lambda column: column.rank))
    widths, over = _widths(page, columns), _over(page, columns)
    widths[0] = max(min(widths[0], _LEAST_LABEL), widths[0] - max(0, over))
    for row in range(-1, len(entries)):
        spans: list[Span] = []
        for number, (column, room) in enumerate(zip(columns, widths, strict=True)):
            text = column.title if row < 0 else column.cells[row]
            text = page.pad(page.cut(text, room), room, right=column.right)
            style = "dim" if row < 0 else column.style(entries[row])
            spans += ["  "] * (number > 0) + [(text, style)]
        page.line(*spans)


def _widths(page: Page, columns: Sequence[_Column]) -> list[int]:
    return [max(page.cells(cell) for cell in (column.title, *column.cells)) for column in columns]


def _over(page: Page, columns: Sequence[_Column]) -> int:
    """How many cells more than the page has the columns take."""
    return sum(_widths(page, columns)) + 2 * (len(columns) - 1) - page.width


def _columns(page: Page, entries: Sequence[Entry], curve_cells: int) -> list[_Column]:
    """The columns that say something about any of the runs, in the order of the table."""
    runs = [entry.run for entry in entries]

    def figures(title: str, rank: int, figure: Callable[[Run], str]) -> list[_Column]:
        cells = [figure(run) if run is not None else "" for run in runs]
        column = _Column(title, cells, True, rank, lambda entry: _verdict_style(entry) if rank == 0 else "")
        return [column] if any(cells) else []

    each = next((f"per {run.unit}" for run in runs if run is not None), "")
    curves = [_curve(page, run, curve_cells) if run is not None else "" for run in runs]
    return [
        _Column("server", [page.cut(entry.name, _MOST_LABEL) for entry in entries], False, 0),
        _Column(
            "verdict", [str(run.verdict) if run else _NOT_MEASURED for run in runs], False, 0, _verdict_style
        ),
        *figures(each, 0, lambda run: wording.size_text(run, max(0.0, run.bytes_per_iteration))),
        *figures("python", 3, lambda run: _part(run, Cause.PYTHON)),
        *figures("native", 4, lambda run: _part(run, Cause.NATIVE)),
        *figures("outside", 5, lambda run: _part(run, Cause.MAPPED) or _part(run, Cause.ALLOCATOR)),
        *figures("tasks", 2, _tasks),
        *figures("cycles", 6, _cycles),
        *([_Column("RSS", curves, False, 7, lambda entry: "cyan")] if any(curves) else []),
        *figures("from", 9, lambda run: _resident(run, 0)),
        *figures("to", 8, lambda run: _resident(run, -1)),
        *figures("req/s", 1, _pace),
    ]


def _verdict_style(entry: Entry) -> str:
    return verdict_style(entry.run) if entry.run is not None else "bold yellow"


def _part(run: Run, cause: Cause) -> str:
    part = next((part for part in run.causes if part.cause is cause), None)
    return "" if part is None or part.bytes_per_iteration <= 0 else wording.part_text(run, part)


def _tasks(run: Run) -> str:
    growth = run.growth_of(Meter.TASKS)
    return f"+{format_average(growth.per_iteration)}" if growth is not None and growth.grows else ""


def _cycles(run: Run) -> str:
    growth = run.growth_of(Meter.CYCLIC_GARBAGE)
    return f"+{format_average(growth.per_iteration)}" if growth is not None and growth.grows else ""


def _curve(page: Page, run: Run, cells: int) -> str:
    series = run.samples.only(*JUDGED).series(Meter.RSS_BYTES)
    if series is None or not series.values:
        return ""
    values = resample(series.iterations, series.values, cells)
    return sparkline(values, unicode=page.unicode, least_span=least_span(Meter.RSS_BYTES))


def _resident(run: Run, end: int) -> str:
    series = run.samples.only(*JUDGED).series(Meter.RSS_BYTES)
    return format_bytes(series.values[end]) if series is not None and series.values else ""


def _pace(run: Run) -> str:
    pace = requests_per_second(run)
    return "" if pace is None else format_count(round(pace))
