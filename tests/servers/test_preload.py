"""Other allocators in a process that we start, and what can be read from them."""

import ctypes.util
import os
import subprocess
import sys

import pytest

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.plan import Plan
from pytest_reqleak.servers import preload
from pytest_reqleak.servers.app import boot_app
from pytest_reqleak.servers.external import boot_external
from pytest_reqleak.servers.preload import AllocatorMissing, preloading
from pytest_reqleak.servers.surroundings import settings_for

APPS = "tests.servers.outside_apps"
TIMEOUT = 60.0

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD")

# Keeps 1000 blocks of 100 bytes, and frees them; prints what the allocator says of it.
PROBE = """
import ctypes
from pytest_reqleak.agent.allocators import find_allocator
allocator = find_allocator()
kept = [None] * 1000
def read():
    return allocator.in_use() if allocator.in_use else -1
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.malloc(100), read(), read()
before = read()
for n in range(1000):
    kept[n] = libc.malloc(1000)
held = read() - before
for pointer in kept:
    libc.free(pointer)
print(allocator.name)
print(held)
print(read() - before)
allocator.release()
"""


def library_of(allocator):
    return next(filter(None, map(ctypes.util.find_library, preload._LIBRARIES[allocator].names)), None)


def probe(allocator):
    if allocator != "glibc" and library_of(allocator) is None:
        pytest.skip(f"{allocator} is not installed")
    environment = {**os.environ, **settings_for("pymalloc", preloading(allocator))}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=True
    )
    name, held, left = done.stdout.splitlines()
    return name, int(held), int(left)


@linux
@pytest.mark.parametrize("allocator", ["glibc", "jemalloc", "tcmalloc"])
def test_the_bytes_in_use_are_those_of_the_allocator_that_serves(allocator):
    name, held, left = probe(allocator)

    assert name.startswith(allocator)
    # An allocation takes its size and what it is rounded up by; 36 KB are the ints of the pointers.
    assert 1_000_000 <= held <= 1_150_000
    assert left < 100_000


@linux
def test_an_allocator_that_does_not_tell_has_no_meter():
    name, held, _ = probe("mimalloc")

    assert name.startswith("mimalloc ")
    assert 0 == held


@linux
def test_a_server_runs_on_another_allocator_and_the_report_says_so():
    pytest.importorskip("uvicorn")
    if library_of("jemalloc") is None:
        pytest.skip("jemalloc is not installed")
    with boot_external(f"{APPS}:clean", server="uvicorn", timeout=TIMEOUT, allocator="jemalloc") as booted:
        agent = booted.make_agent()
        agent.sample(1, Phase.MEASURE)

        assert booted.info.allocator.startswith("jemalloc")
        assert agent.buffer.last(Meter.HEAP_BYTES) > 1_000_000


@linux
def test_an_allocator_that_is_not_installed_names_its_package(monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)

    with pytest.raises(AllocatorMissing) as raised:
        preloading("jemalloc")
    assert ("allocator = 'jemalloc': its library is not on this machine: install libjemalloc2") == str(
        raised.value
    )


def test_only_linux_loads_another_allocator(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")

    assert {} == preloading("glibc")
    with pytest.raises(UsageError, match="only Linux loads another allocator"):
        preloading("jemalloc")


@linux
def test_what_the_user_preloads_stays(monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: f"lib{name}.so")
    monkeypatch.setenv("LD_PRELOAD", "mine.so")

    assert {"LD_PRELOAD": "libjemalloc.so:mine.so"} == preloading("jemalloc")


def test_what_the_user_has_tuned_stays(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=1")
    assert ("glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0") == settings_for("pymalloc", {})[
        "GLIBC_TUNABLES"
    ]

    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=7")
    assert "glibc.malloc.tcache_count=7" == settings_for("pymalloc", {})["GLIBC_TUNABLES"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"allocator": "jemalloc"}, "allocator = 'jemalloc': can only be chosen for a process"),
        ({"python_malloc": "malloc"}, "python_malloc = 'malloc': can only be chosen for a process"),
    ],
)
def test_the_allocators_of_this_process_cannot_be_chosen(settings, said):
    with pytest.raises(UsageError, match=said):
        boot_app(f"{APPS}:clean", Plan(timeout=TIMEOUT, **settings))


def test_what_chooses_an_allocator_is_told_as_the_command_and_a_call_know_it():
    with pytest.raises(UsageError, match=r"add --isolate \(isolate=True\), or"):
        boot_app(f"{APPS}:clean", Plan(timeout=TIMEOUT, allocator="jemalloc"))
