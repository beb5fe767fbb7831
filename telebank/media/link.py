"""The worker's end of the socket to its node: never waits, keeps what does not go out at once."""

import socket
from collections import deque
from collections.abc import Iterator

import msgspec

from telebank import wire

MAX_WAITING = 10_000
"""Messages kept for a node that does not read; beyond, the node is taken for dead."""
LAST_WORDS_S = 1.0
"""Seconds given to the node at `Shutdown` to read what is left."""
BUFFER = 1 << 20
"""Bytes of socket buffer asked for: some thousand messages."""
BATCH = 64
"""Messages read at a time, so that a flood of commands delays no packet."""


class NodeGone(ConnectionError):  # noqa: N818 - what happened
    """The node closed its end, or has not read for `MAX_WAITING` messages."""


class NodeLink:
    """MessagePack over a non-blocking SOCK_SEQPACKET socket."""

    def __init__(self, endpoint: socket.socket) -> None:
        endpoint.setblocking(False)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.endpoint = endpoint
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(wire.ToWorker)
        self._waiting: deque[bytes] = deque()
        self._sequence = 0

    @property
    def waiting(self) -> bool:
        """Whether messages wait for the node to read."""
        return bool(self._waiting)

    def send(self, message: wire.Message) -> None:
        """Number and send a message, or keep it; raises `NodeGone`."""
        self._sequence += 1
        self._waiting.append(
            self._encoder.encode(msgspec.structs.replace(message, sequence=self._sequence))
        )
        if len(self._waiting) > MAX_WAITING:
            raise NodeGone(f"the node has left {MAX_WAITING} messages unread")
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the socket takes it."""
        try:
            while self._waiting:
                self.endpoint.send(self._waiting[0])
                self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            raise NodeGone(str(error)) from error

    def drain(self) -> None:
        """Before leaving: wait, a little, until the node has read everything."""
        self.endpoint.settimeout(LAST_WORDS_S)
        self.flush()

    def receive(self) -> Iterator[wire.ToWorker]:
        """Up to `BATCH` messages that have come; raises `NodeGone` at the end of the stream."""
        for _ in range(BATCH):
            try:
                data = self.endpoint.recv(wire.MAX_PACKET)
            except BlockingIOError:
                return
            except OSError as error:
                raise NodeGone(str(error)) from error
            if not data:
                raise NodeGone("the node closed its end")
            yield self._decoder.decode(data)
