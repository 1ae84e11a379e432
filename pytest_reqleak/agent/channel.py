"""The private way between a run and the agent in another process.

A unix socket in a folder that only this user can enter; both sides prove that
they know a random key before anything else is said. Messages are JSON behind
their length. What is malformed, too long or unproven is refused, and counted
by whoever refuses it.

Only this file reads and writes the socket.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import socket
import struct
from dataclasses import dataclass
from typing import Any

MOST_ORDER_BYTES = 1024 * 1024
"""Orders are names and numbers."""

MOST_ANSWER_BYTES = 64 * 1024 * 1024
"""The sites of a large app, with whole stacks, have some megabytes."""

HANDSHAKE_SECONDS = 10.0

_HEAD = struct.Struct("!I")
_PIECE_BYTES = 1024 * 1024
# A new one where the messages change: a worker of another version of this package is refused.
_PROTOCOL = 1
_FROM_WORKER, _FROM_RUN = b"worker", b"run"


class ChannelClosed(Exception):
    """The other side is gone."""


class Refused(Exception):
    """A message, or a peer, that is not what it must be."""


class Channel:
    """One connection, once both sides have proved themselves.

    Attributes:
        refused: How many messages were refused.
    """

    def __init__(self, sock: socket.socket, *, most_bytes: int) -> None:
        """Take a connected socket.

        Args:
            sock: Closed with this channel.
            most_bytes: The longest message that is accepted.
        """
        self._sock = sock
        self._most_bytes = most_bytes
        self.refused = 0

    def fileno(self) -> int:
        """The socket's, for `select`."""
        return self._sock.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message.

        Raises:
            ChannelClosed: Nobody is there to take it.
        """
        body = json.dumps(message, separators=(",", ":")).encode()
        try:
            self._sock.sendall(_HEAD.pack(len(body)) + body)
        except TimeoutError:
            raise
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for one message.

        Args:
            timeout: Seconds until each next piece of it; None: for ever.

        Raises:
            TimeoutError: Nothing came in time.
            ChannelClosed: The other side is gone.
            Refused: It is too long, after which the channel is closed, or no JSON object.
        """
        self._sock.settimeout(timeout)
        (length,) = _HEAD.unpack(self._read(_HEAD.size))
        if length > self._most_bytes:
            self.refused += 1
            # Its end cannot be found without reading it.
            self.close()
            raise Refused(f"a message of {length} bytes, where {self._most_bytes} are the most")
        body = self._read(length)
        try:
            message = json.loads(body)
        # RecursionError: its lists are nested deeper than the interpreter follows.
        except (ValueError, RecursionError) as error:
            self.refused += 1
            raise Refused(f"a message that is no JSON: {error}") from error
        if not isinstance(message, dict):
            self.refused += 1
            raise Refused(f"a message that is no object but a {type(message).__name__}")
        return message

    def _read(self, count: int) -> bytes:
        # Piece by piece, so that a false length reserves no memory.
        pieces = []
        while count:
            try:
                piece = self._sock.recv(min(count, _PIECE_BYTES))
            except TimeoutError:
                raise
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not piece:
                raise ChannelClosed("the other side closed the channel")
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def is_closed_there(self) -> bool:
        """Whether the other side is gone, where there is something to read."""
        self._sock.setblocking(False)
        try:
            return not self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """End the connection; the other side sees it at once."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A worker that has proved itself."""

    channel: Channel
    pid: int


class Listener:
    """The run's end: where workers come to.

    Attributes:
        path: Of the socket.
        key: What a worker must know, in hexadecimal digits.
        refused: How many peers were turned away.
    """

    def __init__(self, folder: str) -> None:
        """Listen on a socket in a folder that only this user can enter."""
        self.path = os.path.join(folder, "channel")
        self.key = secrets.token_hex(32)
        self.refused = 0
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.bind(self.path)
        self._sock.listen(16)

    def fileno(self) -> int:
        """The socket's, for `select`."""
        return self._sock.fileno()

    def accept(self, timeout: float) -> Hello | None:
        """Wait for a worker; None where none came in time, or where one was turned away.

        Args:
            timeout: Seconds; 0 looks whether somebody waits already.
        """
        self._sock.settimeout(timeout)
        try:
            sock, _ = self._sock.accept()
        except (TimeoutError, BlockingIOError):
            return None
        channel = Channel(sock, most_bytes=MOST_ANSWER_BYTES)
        try:
            return self._greet(channel, _peer_pid(sock))
        except (Refused, ChannelClosed, TimeoutError):
            self.refused += 1
            channel.close()
            return None

    def _greet(self, channel: Channel, peer_pid: int | None) -> Hello:
        nonce = secrets.token_hex(16)
        channel.send({"protocol": _PROTOCOL, "nonce": nonce})
        # Strangers cannot make us read much: a greeting is short.
        channel._most_bytes = 4096
        greeting = channel.receive(HANDSHAKE_SECONDS)
        if not _is_proof(greeting.get("proof"), self.key, _FROM_WORKER, nonce):
            raise Refused("a peer that does not know the key")
        pid = greeting.get("pid")
        if not isinstance(pid, int) or peer_pid not in (None, pid):
            raise Refused("a peer that is not the process that it says")
        channel.send({"proof": _proof(self.key, _FROM_RUN, str(greeting.get("nonce")))})
        channel._most_bytes = MOST_ANSWER_BYTES
        return Hello(channel=channel, pid=pid)

    def close(self) -> None:
        """Stop listening."""
        self._sock.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)


def connect(path: str, key: str) -> Channel:
    """The worker's end: go to the run that has started this process.

    Raises:
        ChannelClosed: Nobody listens there.
        Refused: Who listens there does not know the key.
        TimeoutError: No answer.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(HANDSHAKE_SECONDS)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise ChannelClosed(f"{path}: {error}") from error
    channel = Channel(sock, most_bytes=MOST_ORDER_BYTES)
    try:
        greeting = channel.receive(HANDSHAKE_SECONDS)
        if greeting.get("protocol") != _PROTOCOL:
            raise Refused("a run of another version of pytest-reqleak")
        nonce = secrets.token_hex(16)
        channel.send(
            {
                "pid": os.getpid(),
                "nonce": nonce,
                "proof": _proof(key, _FROM_WORKER, str(greeting.get("nonce"))),
            }
        )
        if not _is_proof(channel.receive(HANDSHAKE_SECONDS).get("proof"), key, _FROM_RUN, nonce):
            raise Refused("a run that does not know the key")
    except BaseException:
        channel.close()
        raise
    return channel


def _proof(key: str, side: bytes, nonce: str) -> str:
    # The side is in it, so that no proof can be sent back to who made it.
    return hmac.new(key.encode(), side + b" " + nonce.encode(), hashlib.sha256).hexdigest()


def _is_proof(given: Any, key: str, side: bytes, nonce: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(
        given.encode(errors="replace"), _proof(key, side, nonce).encode()
    )


def _peer_pid(sock: socket.socket) -> int | None:
    """Who is on the other side, as the kernel says; None where it does not."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])
