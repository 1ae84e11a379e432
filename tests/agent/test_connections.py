"""A process knows whether it holds the other end of a connection."""

import os
import socket
import sys

import pytest

from pytest_reqleak.agent.peers import holds_connection_from

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are listed in a folder")


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_the_end_of_a_connection_is_found_once_it_was_accepted(listener):
    with socket.create_connection(listener.getsockname()) as client:
        port = client.getsockname()[1]

        assert not holds_connection_from(port)
        served, _ = listener.accept()
        with served:
            assert holds_connection_from(port)
        assert not holds_connection_from(port)


def test_what_listens_is_no_connection(listener):
    assert not holds_connection_from(listener.getsockname()[1])


def test_sockets_of_other_kinds_are_passed_over(tmp_path):
    one, other = socket.socketpair()
    with one, other, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(str(tmp_path / "name"))

        assert not holds_connection_from(1)


def test_looking_leaves_the_connection_open_and_no_descriptor_behind(listener):
    with socket.create_connection(listener.getsockname()) as client:
        served, _ = listener.accept()
        with served:
            before = os.listdir("/dev/fd")
            assert holds_connection_from(client.getsockname()[1])
            served.sendall(b"still here")

            assert b"still here" == client.recv(100)
            assert len(before) == len(os.listdir("/dev/fd"))
