"""Values of the driver: what it gives, what it is told to call."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core_adapters.iso8583.format.message import Message

CODE, APPROVED = 39, "00"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was sent: `no_link`, `busy`, `duplicate_key`, `stopping`."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoReply:
    """Bytes may have gone and no usable reply came: `time_out`, `link_lost`, `bad_reply`."""

    reason: str


End = Message | NoReply


@dataclass(slots=True)
class Place:
    """A ticket's place: committed or given back exactly once."""

    ticket: int
    link: str
    end: "asyncio.Future[End]"
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """A network request of the owner's: its fields, and its end."""

    fields: Mapping[int, str] = field(repr=False)
    end: "asyncio.Future[End]"


def take_note(_message: Message) -> Mapping[int, str]:
    """The answer to a network request of the host's that changes nothing."""
    return {CODE: APPROVED}


@dataclass(frozen=True, slots=True)
class DriverEvents:
    """What the driver tells its owner."""

    late: Callable[[int, Message], None]
    heard: Callable[[Message], None]
    """A matched reply or a network message, with a good MAC (or over TLS, where its MTI is exempt
    from MACs)."""
    alarm: Callable[[str, str], None]
    link: Callable[[str, bool, str], None]
    """Link name, signed on or not, why."""
    network: Callable[[Message], Mapping[int, str]] = take_note
    """The host's own 0800, with a good MAC: fields of its 0810 beside those that it repeats.
    Must give field 39."""
    cut_over: Callable[[Message], None] = lambda _message: None
    """The host's 0800/201: its field 15 is the new business date (already given to `heard`)."""
