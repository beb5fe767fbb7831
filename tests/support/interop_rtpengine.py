"""rtpengine between callers and the bank, in user space; asked about its sessions by UDP.

Its `ng` protocol is a cookie, a space and a bencoded dictionary in one UDP datagram.
"""

import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.interop_programs import Program, free_place, needed, program, until

HOST = "127.0.0.3"
"""Where it relays media: neither callers nor the bank nor the proxy are there."""
PORTS = (30_000, 30_999)
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Rtpengine:
    """A running one."""

    program: Program
    place: str
    """Where it is told of calls."""

    def sessions(self) -> list[str]:
        """Call-IDs of what it relays now."""
        return [str(call) for call in self.ask({"command": "list"})["calls"]]

    def packets(self, call: str) -> dict[str, int]:
        """RTP packets of a session by where they come from, as `address:port`."""
        told = self.ask({"command": "query", "call-id": call})
        return {
            f"{stream['endpoint']['address']}:{stream['endpoint']['port']}": int(
                stream["stats"]["packets"]
            )
            for tag in told["tags"].values()
            for media in tag["medias"]
            for stream in media["streams"]
            if "RTP" in stream["flags"] and "endpoint" in stream
        }

    def ask(self, command: Mapping[str, str]) -> dict[str, Any]:
        """One question and its answer."""
        host, _, port = self.place.partition(":")
        cookie = secrets.token_hex(8).encode()
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as line:
            line.settimeout(ANSWER_S)
            line.connect((host, int(port)))
            line.send(cookie + b" " + _encoded(command))
            said = line.recv(65_535)
        answer, rest = _decoded(said.partition(b" ")[2])
        assert said.startswith(cookie), said
        assert not rest, said
        assert answer["result"] == "ok", answer
        found: dict[str, Any] = answer
        return found


@contextmanager
def rtpengine(folder: Path) -> Iterator[Rtpengine]:
    """Run it without its kernel module."""
    binary = needed("rtpengine", "rtpengine-daemon")
    folder.mkdir(parents=True, exist_ok=True)
    place = "{}:{}".format(*free_place(HOST))
    words = [binary, "--config-file=none", "--table=-1", "--foreground", "--log-stderr"]
    words += [f"--interface={HOST}", f"--listen-ng={place}", "--num-threads=2", "--delete-delay=0"]
    words += [f"--port-min={PORTS[0]}", f"--port-max={PORTS[1]}", "--log-level=6"]
    with program(words, folder / "rtpengine.log") as running:
        engine = Rtpengine(running, place)
        until(lambda: _answers(engine), "rtpengine answers")
        yield engine


def _answers(engine: Rtpengine) -> bool:
    assert engine.program.process.poll() is None, engine.program.said()[-2000:]
    try:
        engine.ask({"command": "list"})
    except (ConnectionRefusedError, TimeoutError):
        return False
    return True


def _encoded(command: Mapping[str, str]) -> bytes:
    parts = [f"{len(text)}:{text}" for item in sorted(command.items()) for text in item]
    return f"d{''.join(parts)}e".encode()


def _decoded(octets: bytes) -> tuple[Any, bytes]:
    """A bencoded value, and what is behind it."""
    kind = octets[:1]
    if kind == b"i":
        number, _, rest = octets[1:].partition(b"e")
        return int(number), rest
    if kind in (b"l", b"d"):
        items, rest = [], octets[1:]
        while rest[:1] != b"e":
            item, rest = _decoded(rest)
            items.append(item)
        pairs = dict(zip(items[::2], items[1::2], strict=True)) if kind == b"d" else items
        return pairs, rest[1:]
    length, _, rest = octets.partition(b":")
    return rest[: int(length)].decode(), rest[int(length) :]
