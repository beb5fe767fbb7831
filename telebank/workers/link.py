"""An end of the socket between a node and its child: never waits, keeps what does not go out."""

import socket
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

MAX_PACKET = 65_536
"""Largest message on the socket, in bytes."""
MAX_WAITING = 10_000
"""Messages kept for an end that does not read; beyond, it is taken for dead."""
MAX_OFFERED = MAX_WAITING // 2
"""Messages kept until those that can be missed are left out."""
LAST_WORDS_S = 1.0
"""Seconds given to the other end at `drain` to read what is left."""
BUFFER = 1 << 20
"""Bytes of socket buffer asked for: some thousand messages."""
BATCH = 64
"""Messages read at a time, so that a flood of them delays nothing else."""

Heard = TypeVar("Heard")


class LinkGone(ConnectionError):  # noqa: N818 - what happened
    """The other end was closed, or has not read for `MAX_WAITING` messages."""


class Link(Generic[Heard]):
    """MessagePack over a non-blocking SOCK_SEQPACKET socket, one message a packet."""

    def __init__(self, endpoint: socket.socket, decoder: "msgspec.msgpack.Decoder[Heard]") -> None:
        """`decoder`: of what the other end says."""
        endpoint.setblocking(False)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.endpoint = endpoint
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = decoder
        self._waiting: deque[bytes] = deque()
        self._sequence = 0
        self.dropped = 0
        """Messages left out since too many waited."""

    @property
    def waiting(self) -> bool:
        """Whether messages wait for the other end to read."""
        return bool(self._waiting)

    def send(self, message: msgspec.Struct) -> None:
        """Fill in its `sequence`, and send a message or keep it; raises `LinkGone`."""
        self._sequence += 1
        numbered = msgspec.structs.replace(message, sequence=self._sequence)
        self._waiting.append(self._encoder.encode(numbered))
        if len(self._waiting) > MAX_WAITING:
            raise LinkGone(f"{MAX_WAITING} messages are left unread")
        self.flush()

    def offer(self, message: msgspec.Struct) -> None:
        """Send a message that can be missed: it is left out, and counted, where `MAX_OFFERED` wait.
        Raises `LinkGone`."""
        if len(self._waiting) >= MAX_OFFERED:
            self.dropped += 1
        else:
            self.send(message)

    def flush(self) -> None:
        """Send what waits, as far as the socket takes it; raises `LinkGone`."""
        try:
            while self._waiting:
                self.endpoint.send(self._waiting[0])
                self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            raise LinkGone(str(error)) from error

    def drain(self) -> None:
        """Before leaving: wait, a little, until the other end has read everything."""
        self.endpoint.settimeout(LAST_WORDS_S)
        self.flush()

    def receive(self) -> Iterator[Heard]:
        """Up to `BATCH` messages that have come. Raises `LinkGone` at the end of the stream, and
        `msgspec.DecodeError` for what is no message."""
        for _ in range(BATCH):
            try:
                data = self.endpoint.recv(MAX_PACKET)
            except BlockingIOError:
                return
            except OSError as error:
                raise LinkGone(str(error)) from error
            if not data:
                raise LinkGone("the other end is closed")
            yield self._decoder.decode(data)
