"""Holders: the container that grows, and the path a person would write."""

from __future__ import annotations

import textwrap

import pytest

SEARCH = """
import shop
from pytest_reqleak.agent.holders import HolderSearch

for i in range(20):
    shop.request(i)
search = HolderSearch()
search.mark()
for i in range(20, 220):
    shop.request(i)
holders = search.grown(200)
say([[h.path, h.type, h.growth_per_iteration, h.size, h.bound] for h in holders])
"""


def of(source: str) -> str:
    return textwrap.dedent(source)


CASES = {
    "a list": ("RECENT = []\ndef request(i): RECENT.append(i)", "shop.RECENT", "list"),
    "a dict in a dict": (
        "STORE = {'by_user': {}}\ndef request(i): STORE['by_user'][i] = i",
        "shop.STORE['by_user']",
        "dict",
    ),
    "a set": ("SEEN = set()\ndef request(i): SEEN.add(i)", "shop.SEEN", "set"),
    "an untracked dict in a list": ("ALL = [{}]\ndef request(i): ALL[0][i] = 1", "shop.ALL[0]", "dict"),
    "a subclass": (
        "import collections\nN = collections.Counter()\ndef request(i): N[i] += 1",
        "shop.N",
        "collections.Counter",
    ),
    "an ordered dict": (
        "import collections\nN = collections.OrderedDict()\ndef request(i): N[i] = 1",
        "shop.N",
        "collections.OrderedDict",
    ),
    "a bytearray": ("LOG = bytearray()\ndef request(i): LOG.extend(b'x')", "shop.LOG", "bytearray"),
    "an array": ("import array\nA = array.array('d')\ndef request(i): A.append(i)", "shop.A", "array.array"),
    "a stream": ("import io\nB = io.BytesIO()\ndef request(i): B.write(b'x' * 99)", "shop.B", "_io.BytesIO"),
    "an attribute": (
        "class Cart:\n  def __init__(self): self.items = []\nCART = Cart()\n"
        "def request(i): CART.items.append(i)",
        "shop.CART.items",
        "list",
    ),
    "a slot": (
        "class Cart:\n  __slots__ = ('items',)\n  def __init__(self): self.items = []\nCART = Cart()\n"
        "def request(i): CART.items.append(i)",
        "shop.CART.items",
        "list",
    ),
    "a class attribute": (
        "class Cart:\n  seen = []\ndef request(i): Cart.seen.append(i)",
        "shop.Cart.seen",
        "list",
    ),
    "a namespace": (
        "import types\nSTATE = types.SimpleNamespace(results=[])\ndef request(i): STATE.results.append(i)",
        "shop.STATE.results",
        "list",
    ),
    "a closure": (
        "def make():\n  cache = []\n  def view(i): cache.append(i)\n  return view\nrequest = make()",
        "shop.make.<locals>.view -> closure cache",
        "list",
    ),
    "a default": ("def request(i, seen=[]): seen.append(i)", "shop.request -> default of seen", "list"),
    "a keyword default": (
        "def request(i, *, seen=[]): seen.append(i)",
        "shop.request -> default of seen",
        "list",
    ),
    "an attribute of a function": (
        "def request(i): request.calls.append(i)\nrequest.calls = []",
        "shop.request.calls",
        "list",
    ),
    "a cache": (
        "import functools\n@functools.lru_cache(maxsize=None)\ndef price(i): return [i]\n"
        "def request(i): price(i)",
        "functools.lru_cache of shop.price",
        "functools._lru_cache_wrapper",
    ),
    "the result of a cached function": (
        "import functools\nclass Repo:\n  def __init__(self): self.rows = []\n"
        "@functools.lru_cache\ndef repo(): return Repo()\ndef request(i): repo().rows.append(i)",
        "shop.repo().rows",
        "list",
    ),
    "the result of a function that is cached without a bound": (
        "import functools\n@functools.cache\ndef rows(): return {}\ndef request(i): rows()[i] = i",
        "shop.rows()",
        "dict",
    ),
    "one of the results of a cached function": (
        "import functools\n@functools.lru_cache\ndef rows(name): return []\nrows('a')\n"
        "def request(i): rows('b').append(i)",
        "shop.rows(…)",
        "list",
    ),
    "the environment": ("import os\ndef request(i): os.environ[f'K{i}'] = 'v'", "os.environ", "dict"),
    "a private attribute of a model": (
        "import pydantic\nclass Cart(pydantic.BaseModel):\n"
        "  _seen: list = pydantic.PrivateAttr(default_factory=list)\n"
        "CART = Cart()\ndef request(i): CART._seen.append(i)",
        "shop.CART._seen",
        "list",
    ),
    "a field of a named tuple": (
        "import collections\nSettings = collections.namedtuple('Settings', 'name rules')\n"
        "SETTINGS = Settings('a', [])\ndef request(i): SETTINGS.rules.append(i)",
        "shop.SETTINGS.rules",
        "list",
    ),
    "a cache of a method": (
        "import functools\nclass P:\n  @functools.lru_cache(maxsize=None)\n  def rate(self): return [1]\n"
        "def request(i): P().rate()",
        "functools.lru_cache of shop.P.rate",
        "functools._lru_cache_wrapper",
    ),
    "a queue": ("import queue\nQ = queue.Queue()\ndef request(i): Q.put(i)", "shop.Q", "queue.Queue"),
    "a simple queue": (
        "import queue\nQ = queue.SimpleQueue()\ndef request(i): Q.put(i)",
        "shop.Q",
        "_queue.SimpleQueue",
    ),
    "an asyncio queue": (
        "import asyncio\nQ = asyncio.Queue()\ndef request(i): Q.put_nowait(i)",
        "shop.Q",
        "asyncio.queues.Queue",
    ),
    "a thread's local": (
        "import threading\nLOCAL = threading.local()\nLOCAL.seen = []\ndef request(i): LOCAL.seen.append(i)",
        "shop.LOCAL.seen",
        "list",
    ),
    "a context variable": (
        "import contextvars\nSEEN = contextvars.ContextVar('seen')\nSEEN.set([])\n"
        "def request(i): SEEN.get().append(i)",
        "contextvar 'seen'",
        "list",
    ),
    "a suspended generator": (
        "def collect():\n  seen = []\n  while True: seen.append((yield))\nGEN = collect()\nnext(GEN)\n"
        "def request(i): GEN.send(i)",
        "shop.GEN -> frame shop.collect -> local seen",
        "list",
    ),
    "handlers of a logger": (
        "import logging\ndef request(i): logging.getLogger('jobs').addHandler(logging.NullHandler())",
        "logging.getLogger('jobs').handlers",
        "list",
    ),
    "finalizers": (
        "import weakref\nclass App: pass\nAPP = App()\ndef request(i): weakref.finalize(APP, len, str(i))",
        "weakref.finalize._registry",
        "dict",
    ),
    "modules": (
        "import sys, types\ndef request(i): sys.modules[f'rule_{i}'] = types.ModuleType(f'rule_{i}')",
        "sys.modules",
        "dict",
    ),
    "garbage that is saved": (
        "import gc\ngc.set_debug(gc.DEBUG_SAVEALL)\n"
        "def request(i):\n  d = []\n  d.append(d)\n  del d\n  if i % 20 == 19: gc.collect()",
        "gc.garbage",
        "list",
    ),
    "warnings": (
        "import warnings\nwarnings.showwarning = lambda *a, **k: None\n"
        "def request(i): warnings.warn(f'client {i}', UserWarning)",
        "shop.__warningregistry__",
        "dict",
    ),
    "source lines": (
        "import linecache\ndef request(i): linecache.cache[f'<generated {i}>'] = (1, None, ['x'], 'y')",
        "linecache.cache",
        "dict",
    ),
    "a tuple made anew": ("T = ()\ndef request(i):\n  global T\n  T = (*T, i)", "shop.T", "tuple"),
    "a list made anew": (
        "HOOKS = []\ndef request(i):\n  global HOOKS\n  HOOKS = [*HOOKS, i]",
        "shop.HOOKS",
        "list",
    ),
    "a callback of a signal": (
        "import signal\nclass Handler:\n  def __init__(self): self.seen = []\n"
        "  def __call__(self, *a): pass\nsignal.signal(signal.SIGTERM, Handler())\n"
        "def request(i): signal.getsignal(signal.SIGTERM).seen.append(i)",
        "signal.getsignal(signal.SIGTERM).seen",
        "list",
    ),
    "a callback of a weak reference": (
        "import weakref\nclass App: pass\nAPP = App()\n"
        "def watch():\n  seen = []\n  def gone(ref): seen.append(ref)\n  return weakref.ref(APP, gone)\n"
        "REF = watch()\n"
        "def request(i): REF.__callback__.__closure__[0].cell_contents.append(i)",
        "shop.watch.<locals>.gone -> closure seen",
        "list",
    ),
    "a suspended coroutine": (
        "import types\n@types.coroutine\ndef pause(): return (yield)\n"
        "async def collect():\n  seen = []\n  while True: seen.append(await pause())\n"
        "CORO = collect()\nCORO.send(None)\ndef request(i): CORO.send(i)",
        "shop.CORO -> frame shop.collect -> local seen",
        "list",
    ),
    "a tuple of texts that is made anew": (
        "INDEX = {'all': ()}\ndef request(i): INDEX['all'] += ((str(i), i),)",
        "shop.INDEX['all']",
        "tuple",
    ),
    "a tuple in a dict, neither of which the collector lists": (
        "import gc\nINDEX = {'all': ()}\n"
        "def request(i):\n  INDEX['all'] += ((str(i), i),)\n  gc.collect(); gc.collect()",
        "shop.INDEX['all']",
        "tuple",
    ),
    "the names of a class": (
        "class Api: pass\ndef request(i): setattr(Api, f'view_{i}', str(i))",
        "shop.Api.__dict__",
        "dict",
    ),
    "the names of a module": ("def request(i): globals()[f'view_{i}'] = i", "shop.__dict__", "dict"),
    "the default of a context variable": (
        "import contextvars\nTRAIL = contextvars.ContextVar('trail', default=[])\n"
        "def request(i): TRAIL.get().append(i)",
        "shop.TRAIL -> default",
        "list",
    ),
    "the registry of a generic function": (
        "import functools\n@functools.singledispatch\ndef render(thing): pass\n"
        "def request(i): render.register(type(f'Row{i}', (), {}), render.dispatch(object))",
        "shop.render.registry",
        "mappingproxy",
    ),
    "callbacks of a future": (
        "import asyncio\nREADY = asyncio.Future(loop=asyncio.new_event_loop())\n"
        "def request(i): READY.add_done_callback(lambda future: i)",
        "shop.READY._callbacks",
        "list",
    ),
    "timers of a loop": (
        "import asyncio\nLOOPS = [asyncio.new_event_loop()]\n"
        "def request(i): LOOPS[0].call_later(86400, str, i)",
        "shop.LOOPS[0]._scheduled",
        "list",
    ),
    "callbacks at exit": (
        "import atexit\ndef request(i): atexit.register(len, str(i))",
        "atexit callbacks",
        "atexit",
    ),
    "callbacks at exit, of what a weak set lists": (
        "import atexit, weakref\nclass Row:\n  def close(self): pass\nROWS = weakref.WeakSet()\n"
        "def request(i):\n  row = Row()\n  ROWS.add(row)\n  atexit.register(row.close)",
        "atexit callbacks",
        "atexit",
    ),
    "a weak dict": (
        "import weakref\nclass Row: pass\nKEPT = []\nROWS = weakref.WeakValueDictionary()\n"
        "def request(i):\n  row = Row()\n  ROWS[i] = row\n  KEPT.append(row)",
        "shop.KEPT",
        "list",
    ),
    "shards": (
        "SHARDS = [[] for _ in range(4)]\ndef request(i): SHARDS[i % 4].append(i)",
        "shop.SHARDS[…]",
        "list",
    ),
    "rooms of a defaultdict": (
        "import collections\nROOMS = collections.defaultdict(set)\ndef request(i): ROOMS[i % 5].add(str(i))",
        "shop.ROOMS[…]",
        "set",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_growing_container_has_the_path_a_person_would_write(child, name):
    source, path, kind = CASES[name]

    found = child(SEARCH, shop=source)

    assert [path, kind] == found[0][:2], found


def test_growth_and_size_are_in_entries(child):
    assert [["shop.RECENT", "list", 2.0, 440, None]] == child(
        SEARCH, shop="RECENT = []\ndef request(i): RECENT.extend([i, i])"
    )


def test_containers_inside_a_growing_one_are_not_named_apart(child):
    source = """
    STORE = {}
    def request(i):
        STORE[i] = {"lines": [k for k in range(300)], "tags": set(range(300))}
    """

    assert ["shop.STORE"] == [holder[0] for holder in child(SEARCH, shop=source)]


def test_an_inner_container_that_grows_faster_than_its_owner_is_named_too(child):
    source = """
    DAYS = {0: []}
    def request(i):
        day = i // 20
        DAYS.setdefault(day, [])
        DAYS[0].append(i)
    """

    assert "shop.DAYS[0]" == child(SEARCH, shop=source)[0][0]


def test_path_names_the_module_that_made_the_object_not_one_that_imports_it(child):
    found = child(
        SEARCH,
        shop="from store import RECENT\ndef request(i): RECENT.append(i)",
        store="RECENT = []",
    )

    assert "store.RECENT" == found[0][0]


def test_container_that_only_the_harness_holds_is_left_out(child):
    source = """
    import sys, types
    harness = sys.modules["pluggy"] = types.ModuleType("pluggy")
    harness.RECORDS = []
    def request(i): sys.modules["pluggy"].RECORDS.append(i)
    """

    assert [] == child(SEARCH, shop=source)


def test_what_only_native_code_holds_has_no_holder(child):
    source = """
    import ctypes
    def request(i): ctypes.pythonapi.Py_IncRef(ctypes.py_object([i] * 300))
    """

    assert [] == child(SEARCH, shop=source)


def test_a_cache_that_became_full_is_told_with_its_bound(child):
    """It may be what made memory grow until then: whoever decides has to measure once more."""
    source = """
    import functools
    @functools.lru_cache(maxsize=100)
    def price(i): return [i]
    def request(i): price(i)
    """

    (found,) = child(SEARCH, shop=source)

    assert ["functools.lru_cache of shop.price", 100, 100] == [found[0], *found[3:]]


def test_a_cache_that_was_full_before_is_no_holder(child):
    source = """
    import functools
    @functools.lru_cache(maxsize=10)
    def price(i): return [i]
    def request(i): price(i)
    """

    assert [] == child(SEARCH, shop=source)


BOUNDED = {
    "index of a deque": (
        "import collections\nD = collections.deque(maxlen=5000)\nINDEX = {}\n"
        "def request(i): INDEX[i] = entry = [i]; D.append(entry)",
        5000,
    ),
    "functools.lru_cache": (
        "import functools\n@functools.lru_cache(maxsize=4096)\ndef price(i): return [i]\n"
        "def request(i): price(i)",
        4096,
    ),
    "deque": ("import collections\nD = collections.deque(maxlen=5000)\ndef request(i): D.append(i)", 5000),
    "queue": ("import queue\nQ = queue.Queue(9000)\ndef request(i): Q.put(i)", 9000),
    "re": ("import re\nre.purge()\ndef request(i): re.compile(f'x{i}')", 512),
    "cachetools": (
        "import cachetools\nC = cachetools.LRUCache(700)\ndef request(i): C[i] = i",
        700,
    ),
    "jinja2": (
        "from jinja2.utils import LRUCache\nC = LRUCache(800)\ndef request(i): C[i] = i",
        800,
    ),
    "sqlalchemy": (
        "from sqlalchemy.util import LRUCache\nC = LRUCache(600)\ndef request(i): C[i] = i",
        900,
    ),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_bounded_container_tells_its_bound(child, name):
    if name in ("cachetools", "jinja2", "sqlalchemy"):
        pytest.importorskip(name)
    source, bound = BOUNDED[name]

    found = child(SEARCH, shop=source)

    assert bound == found[0][4], found


def test_local_of_a_waiting_task_is_named_by_task_and_frame(child):
    source = """
    import asyncio, threading
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    wake = asyncio.Event()
    async def poll():
        seen = []
        while True:
            await wake.wait()
            wake.clear()
            seen.append(1)
    async def start():
        task = asyncio.current_task()
        global poller
        poller = asyncio.create_task(poll(), name="poller")
        await asyncio.sleep(0)
    asyncio.run_coroutine_threadsafe(start(), loop).result()
    del poller
    async def push():
        wake.set()
        for _ in range(3): await asyncio.sleep(0)
    def request(i): asyncio.run_coroutine_threadsafe(push(), loop).result()
    """

    assert "Task 'poller' -> frame shop.poll -> local seen" == child(SEARCH, shop=source)[0][0]


def test_local_of_a_running_thread_is_named_by_thread_and_frame(child):
    source = """
    import queue, threading
    inbox, done = queue.SimpleQueue(), queue.SimpleQueue()
    def work():
        seen = []
        while True:
            seen.append(inbox.get())
            done.put(1)
    threading.Thread(target=work, name="worker", daemon=True).start()
    def request(i): inbox.put(i); done.get()
    """

    assert "thread 'worker' -> frame shop.work -> local seen" == child(SEARCH, shop=source)[0][0]


def test_tasks_that_never_finish_come_before_what_they_hold(child):
    source = """
    import asyncio, threading
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    TASKS = set()
    async def notify(ready): await ready.wait()
    async def push():
        TASKS.add(asyncio.create_task(notify(asyncio.Event())))
        await asyncio.sleep(0)
    def request(i): asyncio.run_coroutine_threadsafe(push(), loop).result()
    """

    found = child(SEARCH + "\nimport os, sys; sys.stdout.flush(); os._exit(0)", shop=source)

    assert [
        "tasks running shop.notify at shop.py:6, waiting in asyncio.locks.Event.wait",
        "asyncio.Task",
        1.0,
    ] == [
        found[0][0].replace("asyncio.locks.wait", "asyncio.locks.Event.wait"),
        *found[0][1:3],
    ]
    assert "shop.TASKS" == found[1][0]


def test_threads_that_never_end_are_grouped_by_what_they_run(child):
    source = """
    import threading
    ACK = threading.Event()
    def deliver(): ACK.wait()
    def request(i): threading.Thread(target=deliver, daemon=True).start()
    """

    found = child(SEARCH.replace("220", "60").replace("(200)", "(40)"), shop=source)

    assert found[0][0].startswith("threads running shop.deliver at shop.py:4, waiting in threading.")
    assert 1.0 == found[0][2]


def test_thread_that_runs_nothing_of_the_apps_is_told_by_what_it_waits_for_and_not_by_how_it_began(child):
    source = """
    import threading
    def request(i): threading.Thread(target=threading.Event().wait, daemon=True).start()
    """

    found = child(SEARCH.replace("220", "60").replace("(200)", "(40)"), shop=source)

    assert "_bootstrap" not in found[0][0]
    assert found[0][0].startswith("threads running threading.")


def test_name_given_by_the_caller_begins_the_path_where_no_module_leads_there(child):
    code = """
    from pytest_reqleak.agent.holders import HolderSearch
    class App:
        def __init__(self): self.results = []
    def main():
        app = App()
        search = HolderSearch(roots={"app": app})
        search.mark()
        for i in range(200): app.results.append(i)
        say(search.grown(200)[0].path)
    main()
    """

    assert "app.results" == child(code)


HOSTILE = """
class Touched(BaseException): pass
def touch(*a, **k): raise Touched(a)
class Meta(type):
    __hash__ = touch
    __eq__ = touch
    __repr__ = touch
    __instancecheck__ = touch
    __subclasscheck__ = touch
    __getattribute__ = touch
    mro_reads = 0
class Hostile(dict, metaclass=Meta):
    __len__ = __iter__ = __eq__ = __repr__ = __bool__ = __getitem__ = touch
    __hash__ = touch
    __class__ = property(touch)
    __dict__ = property(touch)
    def __getattribute__(self, name): touch(name)
class HostileList(list, metaclass=Meta):
    __len__ = __iter__ = __eq__ = __repr__ = __bool__ = __getitem__ = __hash__ = touch
    __class__ = property(touch)
class Key:
    __repr__ = __str__ = touch
    def __hash__(self): return 1
    def __getattr__(self, name): touch(name)
class Text(str):
    __repr__ = __str__ = __hash__ = __eq__ = touch
"""


def test_search_never_runs_code_of_the_app(child):
    source = HOSTILE + textwrap.dedent("""
    BAG, LIST = dict.__new__(Hostile), list.__new__(HostileList)
    KEYED = {Key(): LIST}
    def request(i):
        dict.__setitem__(BAG, i, list.__new__(HostileList))
        list.append(LIST, dict.__new__(Hostile))
    """)

    found = child(SEARCH, shop=source)

    assert {"shop.BAG": "shop.Hostile", "shop.LIST": "shop.HostileList"} == {
        path: kind for path, kind, *_ in found
    }


def test_search_leaves_nothing_behind(child):
    code = """
    import gc, linecache, sys
    from pytest_reqleak.agent.holders import HolderSearch
    RECENT = []
    def search():
        for _ in range(200): RECENT.append(None)
        found = HolderSearch()
        found.mark()
        for _ in range(200): RECENT.append(None)
        assert found.grown(200)
    def blocks(searches):
        for _ in range(searches): search()
        gc.collect()
        return sys.getallocatedblocks()
    # Until Python 3.10 each function keeps the frame of its latest call: all have had one by then. Its
    # code gets a cache of its own after 1,024 calls, in some of the searches or other.
    old = sys.version_info < (3, 11)
    blocks(20 if old else 2)
    readings = [0] * (8 if old else 2)
    for place in range(len(readings)): readings[place] = blocks(5)
    say([min(after - before for before, after in zip(readings, readings[1:])), len(linecache.cache)])
    """

    grown, n_cached = child(code)

    assert 0 == n_cached
    # One for the number that is kept while the second reading is made.
    assert grown <= 1


def test_search_keeps_no_local_of_a_running_frame_alive(child):
    code = """
    import gc, weakref
    from pytest_reqleak.agent.holders import HolderSearch
    class Thing: pass
    RECENT = []
    def main():
        thing, seen = Thing(), []
        gone = weakref.ref(thing)
        search = HolderSearch()
        search.mark()
        for i in range(100): seen.append(i)
        path = search.grown(100)[0].path
        del thing
        gc.collect()
        say([path, gone() is None])
    main()
    """

    path, gone = child(code)

    assert path.endswith("frame __main__.main -> local seen")
    assert gone


def test_search_leaves_the_free_lists_of_modules_alone(child):
    code = """
    import asyncio, gc
    from pytest_reqleak.agent.holders import HolderSearch
    async def one():
        ready = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(wait(ready))
        await asyncio.sleep(0)
        ready.set_result(1)
        await task
    async def wait(ready): await ready
    async def many():
        await asyncio.gather(*(one() for _ in range(50)))
    loop = asyncio.new_event_loop()
    seen = []
    for _ in range(3):
        search = HolderSearch()
        loop.run_until_complete(many())
        search.mark()
        seen.extend(range(100))
        search.grown(100)
        loop.run_until_complete(many())
    loop.close()
    say("alive")
    """

    assert "alive" == child(code)


def test_types_inside_new_entries_are_told_where_the_collector_does_not_list_them(child):
    code = SEARCH.replace("say(", "say([[t.type, t.per_iteration] for t in search.untracked_types]) or (")

    found = dict(child(code, shop="THUMBS = {}\ndef request(i): THUMBS[i + 10**9] = bytes(3000 + i)"))

    assert {"bytes": 1.0, "int": 1.0} == found


def test_search_that_runs_out_of_time_still_tells_what_grew(child):
    code = SEARCH.replace("HolderSearch()", "HolderSearch(seconds=0.0)")

    # Far from any root, so that it is not met in the first steps.
    source = """
    class Link:
        def __init__(self, inner): self.inner = inner
    BOX = Link(Link(Link(Link(Link([])))))
    DEEP = BOX.inner.inner.inner.inner.inner
    globals()["request"] = lambda i, _deep=[DEEP]: _deep[0].append(i)
    del DEEP
    """

    path, _, growth, *_ = child(code, shop=source)[0]

    assert "a list whose holder was not found in time" == path
    assert 1.0 == growth
