"""`GET /v1/desk/customer?call=…`: how the customer in hand stands with telephone banking, and his
last calls. Of who has not proved himself nothing is shown; that somebody looked is an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timezone
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from telebank.agents.board import AnyRow, CallRow
from telebank.calls.control.acts import Acts
from telebank.calls.control.common import as_json, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import no
from telebank.calls.forms.labels import title_of
from telebank.calls.tellers.values import CallerPort
from telebank.customers.preferences import CHOICES
from telebank.staff.roles import LOOK, RIGHTS, Role, may
from telebank.store import customer_looks
from telebank.store.contacts import Contact
from telebank.store.customer_looks import AskedFor, Look, PastCall, Seen
from transactions.money import Money
from transactions.service import Contracts

PATH = "/v1/desk/customer"
FIRST_USE = "first_use"
"""How a PIN entry ends whose PIN is to be changed first."""
MAX_NAME = 64
_NOT_PROVED = "the caller has not proved himself: ask for his PIN first"


class CallersInHand(Protocol):
    """The room of tellers, as this asks it."""

    def caller_of(self, seat: str, call: str) -> CallerPort | str:
        """Whom a seat has, where it is that call; else why not."""
        ...

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """A row of the board."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What the node knows of all customers."""

    limits: Mapping[str, Money]
    messages: bool
    """Whether codes go by message here."""
    zone: timezone


@dataclass(frozen=True, slots=True)
class _Tried:
    """Tries that are counted together."""

    name: str
    most: int
    services: tuple[str, ...]
    pin: bool
    """Of the telephone PIN."""


class CustomerPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, room: CallersInHand, standing: Standing) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._room = room
        self._standing = standing

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.get(PATH, self._look)]

    async def _look(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        call = request.query.get("call", "")
        if not call or len(call) > MAX_NAME:
            stop(400, "bad_request", "`call` is the reference of your call")
        if not may(Role(by.role), LOOK):
            return (await self._acts.denied(by, LOOK, call, RIGHTS[LOOK])).response()
        port = self._room.caller_of(by.id, call)
        if isinstance(port, str):
            return no(port).response()
        card = port.card()
        if not card.token:
            return refused(409, "not_proved", _NOT_PROVED).response()
        tried = tries_of(port.served(by.id).edition.contracts)
        wanted = Look(
            *(card.token, card.customer, call, by, self._standing.limits),
            *([one.name for one in tried], self._standing.zone),
        )
        seen = await self._counter.run(partial(customer_looks.look, wanted=wanted))
        row = self._room.row(CallRow.__name__, call, for_supervisor=False)
        first_use = isinstance(row, CallRow) and row.pin_result == FIRST_USE
        shown = {"call": call, "customer": card.customer, "level": card.level}
        shown |= {"language": card.language, "pin": _pin(seen, tried, first_use=first_use)}
        return web.json_response(shown | self._shown(seen, tried))

    def _shown(self, seen: Seen, tried: Sequence[_Tried]) -> dict[str, Any]:
        by_message = "message" if self._standing.messages else "none"
        return {
            "second_factor": by_message if seen.token is None else "token",
            "token_since": None if seen.token is None else as_json(seen.token.added_at),
            "numbers": [one.masked for one in seen.record.numbers],
            "importance": seen.record.importance,
            "teller": seen.record.teller,
            "settings": {
                what: seen.settings.get(what, usual[0]) for what, usual in CHOICES.items()
            },
            "payees": seen.payees,
            "cooling": seen.cooling,
            "limits": [
                {
                    "limit": name,
                    "most": str(now.most),
                    "bank": str(self._standing.limits[name]),
                    "used": str(now.used),
                }
                for name, now in seen.limits.items()
            ],
            "lost": seen.lost,
            "closed": [
                {"tries": one.name, **_title(one.name)}
                for one in tried
                if seen.tries[one.name] >= one.most and not one.pin
            ],
            "past": [_past(one) for one in seen.past],
        }


def tries_of(contracts: Contracts) -> Sequence[_Tried]:
    """What is counted against trying, of a release."""
    together: dict[str, list[str]] = {}
    for service in contracts.services.values():
        if service.attempts is not None:
            together.setdefault(service.counts_with or service.name, []).append(service.name)
    return [
        _Tried(
            name,
            contracts[name].attempts or 0,
            tuple(services),
            any(contracts[one].telephone_pin is not None for one in services),
        )
        for name, services in together.items()
    ]


def _pin(seen: Seen, tried: Sequence[_Tried], *, first_use: bool) -> dict[str, Any]:
    """How his telephone PIN stands, as far as this node knows: a lock of the host's own is told
    when the PIN is asked for."""
    of_pin = [one for one in tried if one.pin]
    wrong = max((seen.tries[one.name] for one in of_pin), default=0)
    most = max((one.most for one in of_pin), default=0)
    locked = any(seen.tries[one.name] >= one.most for one in of_pin)
    state = "locked" if locked else "must_change" if first_use else "active"
    return {"state": state, "wrong": wrong, "most": most}


def _title(service: str) -> dict[str, str]:
    title = title_of(service)
    return {"zh": title.zh, "en": title.en}


def _past(one: PastCall) -> dict[str, Any]:
    return {
        "call": one.call,
        "at": as_json(one.at),
        "talks": [_talk(talk) for talk in one.talks],
        "asked": [_asked(asked) for asked in one.asked],
    }


def _talk(one: Contact) -> dict[str, Any]:
    return {
        "seat": one.seat,
        "direction": one.direction,
        "talk_s": one.talk_s,
        "business": one.business,
        "how_ended": one.how_ended,
        "level": one.level,
    }


def _asked(one: AskedFor) -> dict[str, Any]:
    return {
        "service": one.service,
        **_title(one.service),
        "came": one.came,
        "amount": "" if one.amount is None else str(one.amount),
        "reference": one.reference,
        "channel": one.channel,
    }
