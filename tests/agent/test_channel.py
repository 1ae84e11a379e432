"""The private way to a worker: who may use it, and what may be said."""

import json
import os
import socket
import struct
import sys
import threading

import pytest

from pytest_reqleak.agent.channel import (
    _FROM_WORKER,
    Channel,
    ChannelClosed,
    Listener,
    Refused,
    _proof,
    connect,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="unix sockets")

WAIT_SECONDS = 10


@pytest.fixture
def listener(tmp_path, monkeypatch):
    # A socket's path must be short, and pytest's own folders are long.
    monkeypatch.chdir(tmp_path)
    listener = Listener("")
    yield listener
    listener.close()


class Peer(threading.Thread):
    """What comes to the listener, on a thread of its own."""

    def __init__(self, behave):
        super().__init__(daemon=True)
        self.behave, self.result, self.error = behave, None, None
        self.start()

    def run(self):
        try:
            self.result = self.behave()
        except Exception as error:
            self.error = error

    def outcome(self):
        self.join(WAIT_SECONDS)
        assert not self.is_alive()
        return self.error or self.result


def framed(data):
    return struct.pack("!I", len(data)) + data


def raw_peer(listener, *messages):
    """Say something to the listener without minding what it says; give what it answered last."""

    def behave():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(WAIT_SECONDS)
            sock.connect(listener.path)
            sock.recv(4096)
            for message in messages:
                sock.sendall(message)
            sock.shutdown(socket.SHUT_WR)
            try:
                return sock.recv(4096)
            except ConnectionError:
                return b""

    return Peer(behave)


def pair(most_bytes=1000):
    ours, theirs = socket.socketpair()
    return Channel(ours, most_bytes=most_bytes), theirs


def test_a_worker_that_knows_the_key_is_let_in(listener):
    peer = Peer(lambda: connect(listener.path, listener.key))
    hello = listener.accept(WAIT_SECONDS)
    channel = peer.outcome()

    hello.channel.send({"calls": [1]})
    assert {"calls": [1]} == channel.receive(WAIT_SECONDS)
    assert os.getpid() == hello.pid
    assert 0 == listener.refused
    channel.close()
    hello.channel.close()


def test_a_worker_with_another_key_is_turned_away_and_counted(listener):
    peer = Peer(lambda: connect(listener.path, "0" * 64))

    assert listener.accept(WAIT_SECONDS) is None
    assert 1 == listener.refused
    assert isinstance(peer.outcome(), ChannelClosed)


@pytest.mark.parametrize(
    "message",
    [
        framed(b"{}"),
        framed(b"[1, 2]"),
        framed(b"not json"),
        framed(b"[" * 4096),
        framed(b"\xff\xfe"),
        framed(json.dumps({"proof": 1, "pid": 1}).encode()),
        framed(json.dumps({"proof": "é" * 64, "pid": 1}).encode()),
        struct.pack("!I", 2**32 - 1),
        struct.pack("!I", 100) + b"short",
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
    ],
    ids=["empty", "list", "no-json", "deep", "no-text", "number", "no-ascii", "huge", "cut", "http", "none"],
)
def test_a_stranger_is_turned_away_counted_and_told_nothing(listener, message):
    peer = raw_peer(listener, message)

    assert listener.accept(WAIT_SECONDS) is None
    assert 1 == listener.refused
    assert b"" == peer.outcome()


def test_a_proof_that_was_overheard_serves_nobody_else(listener):
    """The nonce of each connection is in its proof."""
    overheard = {}

    def overhear():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(listener.path)
            overheard["greeting"] = json.loads(sock.recv(4096)[4:])

    peer = Peer(overhear)
    listener.accept(WAIT_SECONDS)
    peer.outcome()
    proof = _proof(listener.key, _FROM_WORKER, overheard["greeting"]["nonce"])
    raw_peer(listener, framed(json.dumps({"proof": proof, "pid": os.getpid()}).encode()))

    assert listener.accept(WAIT_SECONDS) is None
    assert 2 == listener.refused


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="only Linux says who a peer is")
def test_a_peer_that_says_to_be_another_process_is_turned_away(listener, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    peer = Peer(lambda: connect(listener.path, listener.key))

    assert listener.accept(WAIT_SECONDS) is None
    assert 1 == listener.refused
    assert isinstance(peer.outcome(), ChannelClosed)


def test_a_worker_does_not_obey_who_does_not_know_the_key(listener):
    key = listener.key
    peer = Peer(lambda: connect(listener.path, key))
    # It accepts the worker, and proves itself with another key.
    accepted, _ = listener._sock.accept()
    channel = Channel(accepted, most_bytes=4096)
    channel.send({"protocol": 1, "nonce": "n"})
    channel.receive(WAIT_SECONDS)
    channel.send({"proof": "0" * 64})

    error = peer.outcome()
    assert isinstance(error, Refused)
    assert "does not know the key" in str(error)
    channel.close()


def test_a_worker_refuses_a_run_of_another_version(listener):
    peer = Peer(lambda: connect(listener.path, listener.key))
    accepted, _ = listener._sock.accept()
    channel = Channel(accepted, most_bytes=4096)
    channel.send({"protocol": 2, "nonce": "n"})

    assert isinstance(peer.outcome(), Refused)
    channel.close()


def test_nobody_waits_where_nobody_comes(listener):
    assert listener.accept(0) is None
    assert 0 == listener.refused


def test_a_message_arrives_whole_however_it_is_cut():
    channel, peer = pair(most_bytes=3_000_000)
    message = {"text": "x" * 2_000_000}
    data = framed(json.dumps(message).encode())
    sender = Peer(lambda: [peer.sendall(data[n : n + 100_000]) for n in range(0, len(data), 100_000)])

    assert message == channel.receive(WAIT_SECONDS)
    sender.outcome()
    peer.close()
    channel.close()


def test_a_message_that_is_too_long_is_refused_counted_and_ends_the_channel():
    channel, peer = pair(most_bytes=1000)
    peer.sendall(struct.pack("!I", 1001))

    with pytest.raises(Refused, match="a message of 1001 bytes, where 1000 are the most"):
        channel.receive(WAIT_SECONDS)
    assert 1 == channel.refused
    assert b"" == peer.recv(1)
    peer.close()


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000],
    ids=["empty", "cut", "list", "number", "no-text", "nested"],
)
def test_a_malformed_message_is_refused_counted_and_the_next_is_read(data):
    channel, peer = pair(most_bytes=100_000)
    peer.sendall(framed(data) + framed(b'{"good": 1}'))

    with pytest.raises(Refused):
        channel.receive(WAIT_SECONDS)
    assert 1 == channel.refused
    assert {"good": 1} == channel.receive(WAIT_SECONDS)
    peer.close()
    channel.close()


def test_a_channel_whose_other_side_is_gone_says_so():
    channel, peer = pair()
    peer.close()

    with pytest.raises(ChannelClosed):
        channel.receive(WAIT_SECONDS)
    with pytest.raises(ChannelClosed):
        channel.send({"a": 1})
    channel.close()


def test_silence_is_a_timeout():
    channel, peer = pair()

    with pytest.raises(TimeoutError):
        channel.receive(0.01)
    peer.close()
    channel.close()


def test_a_worker_without_a_run_says_that_nobody_listens(tmp_path):
    with pytest.raises(ChannelClosed, match="nothing"):
        connect("nothing", "key")
