"""Key exchange (field 70 = 101): which key changes when. Events in, commands out; no I/O.

A key that the host sends is used at once. A key of ours is staged under another name, where it
verifies what the host may already send under it, is offered, and is taken into use when the host
has said 00; so a refusal leaves the old key, and a lost answer or a crash only means to offer the
same key again. The key before goes on verifying for the overlap, then it is retired.

Times are seconds since 1970, because the overlap outlives a restart: it is counted from when the
module got the newer version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from core_adapters.hsm.kinds import Algorithm, KeyInfo, KeyState
from core_adapters.iso8583.format.mac import NEXT
from core_adapters.iso8583.keys.change_types import (
    FAILED,
    NO_SUCH_KEY,
    OK,
    REFUSED,
    Adopt,
    AnswerBlock,
    BlockOffered,
    BlockTaken,
    Command,
    Discard,
    Event,
    KeyEvent,
    KeysRead,
    ModuleFailed,
    Offer,
    OfferAnswered,
    OfferUnanswered,
    Retire,
    RotationAsked,
    Stage,
    TakeBlock,
    Tell,
)

TRIES: Final = 5
RETRY_S: Final = 30.0
"""Seconds before a key is offered again, or a retirement tried again."""


@dataclass(slots=True)
class _Offer:
    """A key of ours on its way. `at` is when it goes again; None while it is asked, or given up."""

    tries: int = 0
    waiting: bool = True
    at: float | None = None


class KeyChange:
    """The changes of one host's keys. `wanted`: our name to what the profile takes for it."""

    def __init__(self, wanted: Mapping[str, Sequence[Algorithm]], overlap_s: float) -> None:
        self._wanted = wanted
        self._overlap_s = overlap_s
        self._infos: Sequence[KeyInfo] = ()
        self._offers: dict[str, _Offer] = {}
        self._ends: dict[tuple[str, int], float] = {}

    @property
    def wake_at(self) -> float | None:
        """When something is due, seconds since 1970."""
        offers = [offer.at for offer in self._offers.values() if offer.at is not None]
        return min([*offers, *self._ends.values()], default=None)

    def receive(self, event: Event, now: float) -> list[Command]:  # noqa: PLR0911 - a table
        """What follows from an event."""
        match event:
            case KeysRead(infos=infos):
                return self._read(infos, now)
            case BlockOffered():
                return self._offered(event)
            case BlockTaken(info=info):
                told = KeyEvent(info.spec.name, "changed", "host", info.version, info.kcv)
                return [AnswerBlock(OK, info.kcv), Tell(told)]
            case RotationAsked(name=name):
                return self._rotate(name)
            case OfferAnswered():
                return self._answered(event)
            case OfferUnanswered():
                return self._unanswered(event, now)
            case ModuleFailed(name=name, why=why):
                self._offers.pop(name, None)
                return [AnswerBlock(FAILED), Tell(KeyEvent(name, "failed", "us", why=why))]

    def wake(self, now: float) -> list[Command]:
        """Retire what is over, offer again what was not answered."""
        commands: list[Command] = []
        for (name, version), at in list(self._ends.items()):
            if at <= now:
                self._ends[name, version] = now + RETRY_S  # in case the module will not
                commands.append(Retire(name, version))
        for name, offer in self._offers.items():
            if offer.at is not None and offer.at <= now:
                offer.at, offer.waiting = None, True
                commands.append(Offer(name))
        return commands

    def current(self, name: str) -> KeyInfo | None:
        """The version that makes."""
        return next((one for one in self._versions(name) if one.state is KeyState.CURRENT), None)

    def staged(self, name: str) -> KeyInfo | None:
        """The key of ours that waits for the host's word."""
        return self.current(name + NEXT)

    def _versions(self, name: str) -> list[KeyInfo]:
        return [info for info in self._infos if info.spec.name == name]

    def _read(self, infos: Sequence[KeyInfo], now: float) -> list[Command]:
        before, self._infos, self._ends = self._ends, infos, {}
        commands: list[Command] = []
        for name in self._wanted:
            live = [one for one in self._versions(name) if one.state is not KeyState.RETIRED]
            for newer, older in pairwise(live):
                over = (newer.made or now) + self._overlap_s
                self._ends[name, older.version] = before.get((name, older.version), over)
            commands += self._left_over(name, now)
        return commands

    def _left_over(self, name: str, now: float) -> list[Command]:
        """A staged key of a run before: in use already where a crash came late, else unanswered."""
        staged, current = self.staged(name), self.current(name)
        if staged is None or name in self._offers:
            return []
        if current is not None and current.kcv == staged.kcv:
            return [Discard(name)]
        self._offers[name] = _Offer(waiting=False, at=now + RETRY_S)
        return []

    def _offered(self, event: BlockOffered) -> list[Command]:
        if event.name is None:
            return self._refuse("", NO_SUCH_KEY, event.problem or "no such key in the profile")
        seen, name = event.seen, event.name
        if seen is None:
            return self._refuse(name, REFUSED, event.problem)
        if event.check and event.check.upper() != seen.kcv:
            why = f"check value {event.check[:10]} came with a key of check value {seen.kcv}"
            return self._refuse(name, REFUSED, why)
        if seen.spec.algorithm not in self._wanted[name]:
            return self._refuse(name, REFUSED, f"a key of {seen.spec.algorithm} does not fit here")
        return self._fresh(name, seen)

    def _fresh(self, name: str, seen: KeyInfo) -> list[Command]:
        """A right block: new, the one that is in use (asked again), or an old one played again."""
        current = self.current(name)
        if current is not None and seen.kcv == current.kcv:
            return [AnswerBlock(OK, seen.kcv)]
        if any(old.kcv == seen.kcv for old in self._versions(name)):
            return self._refuse(name, REFUSED, "a block of a key that was in use before")
        gone = [Discard(name)] if self._offers.pop(name, None) else []
        return [*gone, TakeBlock(name)]

    def _refuse(self, name: str, code: str, why: str) -> list[Command]:
        return [AnswerBlock(code), Tell(KeyEvent(name, "refused", "host", why=why))]

    def _rotate(self, name: str) -> list[Command]:
        offer = self._offers.get(name)
        if offer is None:
            self._offers[name] = _Offer()
            return [Stage(name), Offer(name)]
        if offer.waiting:
            return [Tell(KeyEvent(name, "failed", "us", why="a change of it is under way"))]
        offer.tries, offer.waiting, offer.at = 0, True, None
        return [Offer(name)]

    def _answered(self, event: OfferAnswered) -> list[Command]:
        name, staged = event.name, self.staged(event.name)
        if self._offers.pop(name, None) is None or staged is None:
            return []  # the host's own key came between, and is in use
        if event.code != OK:
            why = f"the host answered {event.code}; the old key stays"
            return [Discard(name), Tell(KeyEvent(name, "refused", "us", kcv=staged.kcv, why=why))]
        if event.check and event.check.upper() != staged.kcv:
            why = f"the host made check value {event.check[:10]} of it; call the host"
            return [Discard(name), Tell(KeyEvent(name, "refused", "us", kcv=staged.kcv, why=why))]
        current = self.current(name)
        version = current.version + 1 if current is not None else 1
        return [Adopt(name), Tell(KeyEvent(name, "changed", "us", version, staged.kcv))]

    def _unanswered(self, event: OfferUnanswered, now: float) -> list[Command]:
        name, offer = event.name, self._offers.get(event.name)
        if offer is None:
            return []
        offer.tries, offer.waiting = offer.tries + 1, False
        staged = self.staged(name)
        kcv = staged.kcv if staged is not None else ""
        if not event.sent and offer.tries == 1:
            del self._offers[name]
            why = f"nothing was sent ({event.why}); the old key stays"
            return [Discard(name), Tell(KeyEvent(name, "failed", "us", kcv=kcv, why=why))]
        if offer.tries < TRIES:
            offer.at = now + RETRY_S
            return []
        why = f"no answer to {TRIES} offers ({event.why}); ask the host whether it has the key"
        return [Tell(KeyEvent(name, "open", "us", kcv=kcv, why=why))]
