"""What a desk and a supervisor's screen may ask of the node: each act by its own name, with its own
fields. The node decides; what cannot be meant is not sent there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec

from telebank.calls.control.common import RequestId

_Id = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{1,64}$")]
_To = Annotated[
    str, msgspec.Meta(pattern="^((seat|queue):[0-9A-Za-z._-]{1,64}|number:[0-9]{1,20})?$")
]
_Words = Annotated[str, msgspec.Meta(max_length=2_000)]
_Word = Annotated[str, msgspec.Meta(max_length=64)]


class Act(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Without more."""

    request_id: RequestId


class Enter(Act, frozen=True):
    """Sit down at this telephone; `.browser`: at this browser."""

    phone: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{1,32}$")]


class Phone(Act, frozen=True):
    """This browser is the telephone: what it offers."""

    sdp: Annotated[str, msgspec.Meta(min_length=1, max_length=16_384)]


class State(Act, frozen=True):
    """Own state, now or after this call."""

    state: Literal["ready", "busy", "break"]
    reason: _Word = ""


class To(Act, frozen=True):
    """To whom."""

    to: _To


class Transfer(Act, frozen=True):
    """`blind`: at once; else whom was consulted has the caller."""

    to: _To = ""
    blind: bool = True


class Note(Act, frozen=True):
    """About a call."""

    call: _Id
    text: _Words = ""
    business: _Word = ""


class Call(Act, frozen=True):
    """A number to be called."""

    number: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 ()./-]{2,31}$")]


class OfSeat(Act, frozen=True):
    """On somebody's call."""

    seat: _Id


class Listen(OfSeat, frozen=True):
    """By this telephone, where one has no desk."""

    phone: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{0,32}$")] = ""


class Force(Act, frozen=True):
    """Somebody's state."""

    seat: _Id
    state: Literal["ready", "out"]


class Record(Act, frozen=True):
    """Somebody's recording."""

    seat: _Id
    on: bool


DESK: Final[Mapping[str, type[Act]]] = MappingProxyType(
    {
        "enter": Enter,
        "phone": Phone,
        "state": State,
        "call": Call,
        "consult": To,
        "transfer": Transfer,
        "note": Note,
        **dict.fromkeys(
            (
                "leave",
                "answer",
                "hang_up",
                "hold",
                "resume",
                "consult_end",
                "three_way",
                "pin",
                "unlock",
                "menu",
                "wrapped",
            ),
            Act,
        ),
    }
)
FLOOR: Final[Mapping[str, type[Act]]] = MappingProxyType(
    {
        "force": Force,
        "record": Record,
        **dict.fromkeys(("monitor", "whisper", "barge"), Listen),
        **dict.fromkeys(("intercept", "stop"), OfSeat),
    }
)


def read(kinds: Mapping[str, type[Act]], act: str, raw: bytes) -> Mapping[str, Any] | None:
    """The body for the node; None where it is not what this act takes."""
    kind = kinds.get(act)
    if kind is None:
        return None
    try:
        body: dict[str, Any] = msgspec.to_builtins(msgspec.json.decode(raw, type=kind))
    except msgspec.DecodeError:
        return None
    return body
