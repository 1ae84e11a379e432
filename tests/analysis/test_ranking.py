"""From stacks to sites: the user's line leads, the machinery is folded, one line has one cause."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis.ranking import cut_share, line_sites, rank_sites, rescale
from pytest_reqleak.model.finding import Frame, Holder, TypeGrowth
from pytest_reqleak.model.origin import CodeMap
from pytest_reqleak.model.raw import HEAP, RawLine, RawSite

SITE = "/venv/lib/python3.11/site-packages/"
STDLIB = "/usr/lib/python3.11/"
CODE = CodeMap(stdlib=("/usr/lib/python3.11",), harness=("/opt/reqleak",))
OWN, ROUTE = ("/home/me/shop/orders.py", 11, ""), (SITE + "starlette/routing.py", 62, "")
HARNESS = ("/opt/reqleak/servers/asgi.py", 90, "")
LOOP = (STDLIB + "asyncio/events.py", 80, "")


def raw(*frames, size=100.0, blocks=1.0):
    return RawSite(frames=frames, bytes_per_iteration=size, blocks_per_iteration=blocks)


def rank(*sites, measured=None, **settings):
    total = sum(site.bytes_per_iteration for site in sites) if measured is None else measured
    return rank_sites(sites, total, code=CODE, **settings)


def places(site):
    return [(frame.file, frame.line) for frame in site.frames]


def test_innermost_own_frame_leads_and_the_others_follow_from_the_allocation_outwards():
    inner = (SITE + "werkzeug/headers.py", 7, "")
    outer = ("/home/me/shop/main.py", 30, "")

    (site,), _ = rank(raw(inner, OWN, ROUTE, outer))

    assert [OWN[:2], inner[:2], ROUTE[:2], outer[:2]] == places(site)
    assert [True, False, False, True] == [frame.own for frame in site.frames]


def test_of_kept_tracebacks_the_line_that_raised_comes_first_however_few_its_bytes(tmp_path):
    file = tmp_path / "shop.py"
    file.write_text("def find(number):\n    raise NOT_FOUND\n\nfind(7)\n")
    raised, passed = (raw((str(file), line, ""), ROUTE, size=20.0 + line) for line in (2, 4))
    framework = [raw((SITE + "flask/app.py", line, ""), size=300.0) for line in (5, 9)]
    holder = Holder(path="shop.ERROR.__traceback__", type="traceback", growth_per_iteration=4.0, size=99)
    types = [TypeGrowth(type="traceback", per_iteration=4.0)]

    found, _ = rank(*framework, passed, raised, holders=[holder], types=types)
    others, _ = rank(*framework, passed, raised, holders=[holder])

    assert [(str(file), 2), (str(file), 4)] == [places(site)[0] for site in found[:2]]
    assert SITE + "flask/app.py" == others[0].frames[0].file


def test_harness_server_import_and_event_loop_frames_are_folded():
    uvicorn = (SITE + "uvicorn/protocols/http.py", 5, "")
    imports = ("<frozen importlib._bootstrap>", 5, "")

    (site,), _ = rank(raw(OWN, imports, LOOP, uvicorn, HARNESS, ROUTE))

    assert [OWN[:2], ROUTE[:2]] == places(site)


def test_without_an_own_frame_the_innermost_library_frame_leads():
    (site,), _ = rank(raw((STDLIB + "json/decoder.py", 353, ""), ROUTE, LOOP))

    assert ROUTE[:2] == places(site)[0]


def test_memory_that_the_harness_allocated_for_a_request_is_request_data_and_comes_last():
    data, own = raw(HARNESS, LOOP, size=900.0), raw(OWN, size=100.0)

    sites, explained = rank(data, own)

    assert [("python", OWN[:2]), ("request data", HARNESS[:2])] == [(s.category, places(s)[0]) for s in sites]
    assert 1.0 == explained


def test_stacks_of_one_line_and_category_are_one_site():
    (site,), _ = rank(raw(OWN, size=100.0, blocks=1.0), raw(OWN, ROUTE, size=40.0, blocks=2.0))

    assert (140.0, 3.0) == (site.bytes_per_iteration, site.blocks_per_iteration)


def test_plain_part_of_a_line_joins_the_category_that_most_of_the_line_has():
    model = (SITE + "pydantic/main.py", 250, "")

    (site,), _ = rank(raw(model, OWN, size=300.0), raw(OWN, size=200.0))

    assert ("pydantic model", 500.0) == (site.category, site.bytes_per_iteration)


def test_plain_line_stays_plain_where_the_category_is_a_trifle():
    model = (SITE + "pydantic/main.py", 250, "")

    sites, _ = rank(raw(model, OWN, size=30.0), raw(OWN, size=900.0))

    assert [("python", 900.0), ("pydantic model", 30.0)] == [
        (s.category, s.bytes_per_iteration) for s in sites
    ]


def test_most_bytes_come_first_and_only_so_many_sites_are_returned():
    sites, explained = rank(*(raw(("/home/me/a.py", n, ""), size=float(n)) for n in range(1, 11)), most=2)

    assert [10.0, 9.0] == [site.bytes_per_iteration for site in sites]
    assert 1.0 == pytest.approx(explained)


def test_explained_is_the_share_of_what_was_measured():
    assert 0.5 == rank(raw(OWN, size=50.0), measured=100.0)[1]


def test_explained_is_never_more_than_all():
    assert 1.0 == rank(raw(OWN, size=150.0), measured=100.0)[1]


def test_explained_is_unknown_where_nothing_was_measured():
    assert rank(raw(OWN), measured=0.0)[1] is None


def test_trifles_are_left_out():
    sites, _ = rank(raw(OWN, size=1000.0), raw(("/home/me/a.py", 3, ""), size=0.5))

    assert [OWN[:2]] == [places(site)[0] for site in sites]


def test_no_stacks_are_no_sites():
    assert ((), 0.0) == rank(measured=10.0)


def kept(path: str, file: str, *, own: bool) -> Holder:
    frame = Frame(file=file, line=7, function="keep", code="", own=own)
    return Holder(path=path, type="x", growth_per_iteration=1.0, size=9, frames=(frame,))


def test_line_that_adds_to_the_holder_is_a_site_where_no_stack_was_seen():
    ((site,), explained) = rank(measured=8.0, holders=(kept("sys.path", OWN[0], own=True),))

    assert [(OWN[0], 7)] == places(site)
    assert 8.0 == site.bytes_per_iteration
    # No tracer has borne it out.
    assert 0.0 == explained


def test_line_that_opens_descriptors_is_a_site_though_they_take_no_bytes():
    ((site,), explained) = rank(measured=0.0, holders=(kept("descriptors open: file a", OWN[0], own=True),))

    assert [(OWN[0], 7)] == places(site)
    assert explained is None


def test_line_of_a_library_that_starts_tasks_comes_before_what_they_hold():
    library = SITE + "sse/watch.py"

    (first, *_), _ = rank(raw(OWN), holders=(kept("tasks running sse.watch", library, own=False),))

    assert [(library, 7)] == places(first)


def test_holder_names_the_kind_where_the_lines_do_not():
    holder = Holder(path="functools.lru_cache of shop.price", type="x", growth_per_iteration=1.0, size=9)

    (site,), _ = rank(raw(OWN), holders=(holder,))

    assert "functools cache" == site.category


def test_function_and_code_are_read_from_the_file(tmp_path):
    file = tmp_path / "shop.py"
    file.write_text("class Cart:\n    def add(self, line):\n        self.lines.append(line)\n")

    (site,), _ = rank(raw((str(file), 3, "")))

    assert ("Cart.add", "self.lines.append(line)") == (site.frames[0].function, site.frames[0].code)


def test_deep_stacks_take_the_rates_of_the_long_pass():
    line, other = ("/lib/a.py", 3, ""), ("/home/me/b.py", 4, "")
    deep = [raw(line, OWN, size=30.0), raw(line, other, size=10.0)]

    found = rescale(deep, [raw(line, size=80.0, blocks=4.0)])

    assert [(OWN, 60.0, 3.0), (other, 20.0, 1.0)] == [
        (site.frames[1], site.bytes_per_iteration, site.blocks_per_iteration) for site in found
    ]


def test_line_that_only_the_short_pass_saw_is_no_growth():
    assert () == rescale([raw(OWN, ROUTE)], [])


def test_line_that_only_the_long_pass_saw_is_kept():
    late = raw(OWN, size=5.0)

    assert (late,) == rescale([], [late])


LIBRARY = "/env/lib/python3.11/site-packages/shelf/store.py"
KEEPING = Frame(file="/home/me/shop.py", line=9, function="keep", code="SEEN.append(it)", own=True)


def held(*, path: str = "shop.SEEN", entry: str = "", frames: tuple[Frame, ...] = (KEEPING,)) -> Holder:
    return Holder(path=path, type="list", growth_per_iteration=1.0, size=9, entry=entry, frames=frames)


def test_what_libraries_allocate_belongs_to_the_users_line_that_keeps_it():
    sites, explained = rank(
        raw((LIBRARY, 3, "put"), size=60.0),
        raw((LIBRARY, 8, "get"), size=40.0),
        holders=[held()],
        measured=100.0,
    )

    assert [KEEPING] == [site.frames[0] for site in sites]
    assert [100.0] == [site.bytes_per_iteration for site in sites]
    assert 1.0 == explained


def test_kind_of_what_is_kept_is_told_by_the_entries():
    sites, _ = rank(raw((LIBRARY, 3, "put"), size=60.0), holders=[held(entry="ValueError")])

    assert ["exception traceback"] == [site.category for site in sites]


def test_users_own_lines_keep_what_they_have_allocated():
    own = ("/home/me/shop.py", 4, "view")

    sites, _ = rank(raw(own, size=30.0), raw((LIBRARY, 3, "put"), size=60.0), holders=[held()])

    assert [60.0, 30.0] == [site.bytes_per_iteration for site in sites]
    assert own[1] == sites[1].frames[0].line


def test_library_that_keeps_for_itself_leads_its_own_site():
    library = Frame(file=LIBRARY, line=3, function="put", code="", own=False)

    sites, _ = rank(raw((LIBRARY, 3, "put"), size=60.0), holders=[held(frames=(library,))])

    assert [LIBRARY] == [site.frames[0].file for site in sites]


def test_line_that_makes_the_tasks_comes_before_larger_victims():
    maker, victim = ("/home/me/shop.py", 9, "keep"), ("/home/me/shop.py", 4, "view")

    sites, _ = rank(
        raw(victim, size=90.0),
        raw(maker, size=10.0),
        holders=[held(path="tasks running shop.poll at shop.py:4")],
    )

    assert [9, 4] == [site.frames[0].line for site in sites]


def test_own_line_comes_before_a_larger_one_of_a_library():
    sites, _ = rank(
        raw((LIBRARY, 3, "put"), size=90.0), raw(("/home/me/shop.py", 4, "view"), size=10.0), measured=100.0
    )

    assert [True, False] == [site.frames[0].own for site in sites]


def test_own_trifle_does_not_come_before_a_library():
    sites, _ = rank(
        raw((LIBRARY, 3, "put"), size=98.0), raw(("/home/me/shop.py", 4, "view"), size=2.0), measured=100.0
    )

    assert [False, True] == [site.frames[0].own for site in sites]


def test_native_allocation_leads_with_the_line_of_python_and_is_native_memory():
    stack = (("<libc.so.6>", 0, "strdup"), (LIBRARY, 3, "put"))
    site = RawSite(frames=stack, bytes_per_iteration=10.0, blocks_per_iteration=1.0, native=True)

    sites, _ = rank(site)

    assert (LIBRARY, "native memory") == (sites[0].frames[0].file, sites[0].category)
    assert ["put", "strdup"] == [frame.function for frame in sites[0].frames]


def test_share_of_stacks_that_were_cut_before_the_users_line():
    deep = raw(*[(LIBRARY, n, "f") for n in range(4)], size=30.0)
    whole = raw((LIBRARY, 1, "f"), ("/home/me/shop.py", 4, "view"), size=70.0)

    assert 0.3 == pytest.approx(cut_share([deep, whole], 4))
    assert 0.0 == cut_share([], 4)


def test_line_behind_which_the_heap_rises_is_a_native_site():
    lines = [
        RawLine(gauge=HEAP, frames=(("/home/me/shop.py", 4, "view"),), share=1.0),
        RawLine(gauge="shop.SEEN", frames=(("/home/me/shop.py", 5, "keep"),), share=1.0),
    ]

    (site,) = line_sites(lines, 700.0)

    assert (700.0, True) == (site.bytes_per_iteration, site.native)
