"""The agent of another process has the face of one in this process, and obeys nothing else."""

import functools
import socket
import sys

import pytest

from pytest_reqleak.agent import obey
from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.agent.channel import Channel
from pytest_reqleak.agent.obey import Obedience
from pytest_reqleak.agent.remote import RemoteAgent
from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.meter import Meter, Phase

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="unix sockets")

WAIT_SECONDS = 20


class Line:
    """Both ends of a channel, an agent at the far one."""

    def __init__(self, make_agent):
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours, most_bytes=10**7)
        self.sent = []
        # On the test's own thread: each answer is made when it is asked for.
        self.obedience = Obedience(Channel(theirs, most_bytes=10**6), make_agent)

    def ask(self, message):
        self.channel.send(message)
        try:
            answer = self.obedience._answer(self.obedience._channel.receive(WAIT_SECONDS))
        except obey.Refused as error:
            answer = {"refused": str(error)}
        self.obedience._channel.send(answer)
        return self.channel.receive(WAIT_SECONDS)

    def send(self, calls):
        self.sent.append([call[0] for call in calls])
        return self.ask({"calls": calls})["result"]

    def close(self):
        self.channel.close()
        self.obedience._channel.close()


@pytest.fixture
def line():
    made = []

    def make_agent():
        made.append(Agent())
        return made[-1]

    line = Line(make_agent)
    line.agents = made
    yield line
    line.close()
    for agent in made:
        agent.__exit__()


def test_samples_are_mirrored_as_the_worker_keeps_them(line):
    remote = RemoteAgent(line.send)
    remote.buffer.reserve(3)
    for iterations, phase in ((10, Phase.WARMUP), (20, Phase.MEASURE), (30, Phase.CONFIRM)):
        remote.settle()
        remote.sample(iterations, phase)

    assert 3 == len(remote.buffer)
    assert line.agents[0].buffer.samples() == remote.buffer.samples()
    assert line.agents[0].buffer.samples(1) == remote.buffer.samples(1)
    assert line.agents[0].buffer.last(Meter.RSS_BYTES) == remote.buffer.last(Meter.RSS_BYTES)


def test_a_batch_costs_one_round_trip(line):
    remote = RemoteAgent(line.send)
    line.sent.clear()

    remote.buffer.reserve(1)
    remote.settle()
    remote.sample(1, Phase.MEASURE)

    assert [["reserve", "settle", "sample"]] == line.sent


def test_a_meter_that_the_worker_lacks_is_absent(line):
    remote = RemoteAgent(line.send)
    remote.sample(1, Phase.MEASURE)

    assert Meter.TASKS not in remote.buffer.samples().readings
    assert remote.buffer.last(Meter.TASKS) is None


def test_every_method_and_property_of_the_agent_is_carried():
    names = {name for name in dir(Agent) if not name.startswith("_")} - {"buffer"}

    assert names == obey.METHODS | obey.PROPERTIES


def test_results_come_back_as_values(line):
    remote = RemoteAgent(line.send)

    assert remote.collector_disabled is False
    assert remote.read(Meter.RSS_BYTES) > 0
    remote.start_tracing("tracemalloc", frames=1)
    kept = []
    for mark in range(4):
        kept += [bytes(1000) for _ in range(100)]
        remote.mark_trace(100 * mark)
    sites, total = remote.stop_tracing()
    assert 1000 <= total < 1200
    assert (__file__, 1.0) == (sites[0].frames[0][0], sites[0].blocks_per_iteration)


def test_a_run_that_was_not_ended_gives_way_to_the_next(line):
    RemoteAgent(line.send).start_tracing("tracemalloc", frames=1)

    RemoteAgent(line.send)

    assert line.agents[0]._tracer is None
    assert 2 == len(line.agents)


def test_an_error_of_ours_is_told_with_its_kind(line):
    RemoteAgent(line.send)

    answer = line.ask({"calls": [["start_tracing", ["gprof"], {"frames": 1}]]})

    assert UsageError.__name__ == answer["failed"]
    assert "must be tracemalloc or memray" in answer["message"]


def test_an_order_that_raises_is_told_and_the_next_is_obeyed(line):
    RemoteAgent(line.send)

    answer = line.ask({"calls": [["read", ["wealth"], {"no": 1}]]})

    assert answer["failed"] == ""
    assert answer["message"].startswith("TypeError")
    assert {"result": None} == line.ask({"calls": [["settle", [], {}]]})


def test_an_order_before_a_run_has_begun_is_an_error(line):
    assert "no run has begun" in line.ask({"calls": [["settle", [], {}]]})["message"]


# JSON can say it, but nobody can follow it to the end.
NESTED = functools.reduce(lambda inner, _: [inner], range(600), 0)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"calls": []},
        {"calls": "settle"},
        {"calls": ["settle"]},
        {"calls": [["settle"]]},
        {"calls": [["settle", [], []]]},
        {"calls": [["__exit__", [], {}]]},
        {"calls": [["_barrier", [], {}]]},
        {"calls": [["buffer", [], {}]]},
        {"calls": [["__class__", [], {}]]},
        {"calls": [["system", ["true"], {}]]},
        {"calls": [[["settle"], [], {}]]},
        {"calls": [["settle", [{"kind": "Popen", "fields": {}}], {}]]},
        {"calls": [["settle", [NESTED], {}]]},
    ],
    ids=lambda message: str(message)[:60],
)
def test_what_is_no_order_is_refused_and_counted(line, message):
    assert ["refused"] == list(line.ask(message))
    assert {"result": 1} == line.ask({"calls": [["refused", [], {}]]})


def test_a_name_that_the_agent_lacks_is_no_attribute(line):
    with pytest.raises(AttributeError):
        RemoteAgent(line.send).wealth  # noqa: B018
