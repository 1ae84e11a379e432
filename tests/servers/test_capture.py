"""memray in a worker and in this process; its capture is kept on request."""

import os

import pytest

from pytest_reqleak import measure
from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.settings import given_as_keywords, resolve

APPS = "tests.servers.outside_apps"
SMALL = {"iterations": 100, "batches": 10, "warmup": 100, "timeout": 60, "trace": "always"}


@pytest.mark.parametrize("server", ["direct", "granian"])
def test_a_capture_is_kept_that_memray_can_open(server, tmp_path):
    memray = pytest.importorskip("memray")
    if server != "direct":
        pytest.importorskip(server)
    capture = tmp_path / "capture.bin"

    run = measure(f"{APPS}:leaky", "GET /{i}", server=server, memray_capture=str(capture), **SMALL)

    assert Verdict.LEAK is run.verdict
    with memray.FileReader(os.fspath(capture)) as reader:
        assert reader.metadata.has_native_traces
        lines = {
            os.path.basename(file)
            for record in reader.get_leaked_allocation_records(merge_threads=True)
            for _, file, _ in record.stack_trace(3)
        }
    assert "outside_apps.py" in lines


def test_only_memray_makes_a_capture():
    given = given_as_keywords(
        {"memray_capture": "a.bin", "tracer": "tracemalloc"}, form="marker", name="no_leak"
    )

    with pytest.raises(UsageError, match="only memray makes a capture to keep"):
        resolve([given])


def test_a_capture_without_tracing_is_refused():
    given = given_as_keywords({"memray_capture": "a.bin", "trace": "never"}, form="marker", name="no_leak")

    with pytest.raises(UsageError, match=r"^no_leak\(trace='never'\): memray's capture is made by tracing"):
        resolve([given])


def test_a_capture_that_cannot_be_kept_is_refused_before_the_app_is_loaded(tmp_path):
    capture = tmp_path / "no" / "a.bin"

    with pytest.raises(UsageError, match=r"^memray_capture: cannot write '.*a\.bin': the folder .* does not"):
        measure("nowhere:app", memray_capture=capture)


def test_a_capture_is_asked_of_memray():
    plan = resolve([given_as_keywords({"memray_capture": "a.bin"}, form="marker", name="no_leak")]).plan

    assert ("memray", os.path.abspath("a.bin")) == (plan.tracer, plan.memray_capture)
