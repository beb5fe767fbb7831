"""A teller's line: a call of ours to his desk phone, whose media is beside the caller's."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from telebank import wire
from telebank.calls.endpoint import Fact
from telebank.calls.leg import Leg
from telebank.calls.services import CallServices, MediaPlace
from telebank.calls.tellers.conversation import Place
from telebank.calls.tellers.values import Rung
from telebank.media.client import MediaChannel, WorkerLost
from telebank.sip import (
    BadUri,
    CallAnswered,
    CallEnded,
    CallRefused,
    CallRinging,
    KeyInfoReceived,
    OfferReceived,
    Refused,
    SessionMoved,
)
from telebank.sip.registering import PhoneWay

log = structlog.get_logger("telebank.tellers")

FIRST_WORD_S = 4.0
"""Seconds in which a phone that is there says that it rings."""
BUSY = (486, 600)
DECLINED = (403, 603)
SILENT = (408, 480, 487)


class PhoneLine:
    """One call of ours, a `Line`. `ring` once; then `hang_up`, or `on_gone` tells that the phone
    did."""

    def __init__(
        self,
        shell: CallServices,
        ways: Sequence[PhoneWay],
        on_gone: Callable[[bool], None],
        on_held: Callable[[bool], None],
    ) -> None:
        """`ways` to the phone, the best first; `on_gone`: an answered line has ended, not by us,
        and whether it was lost: nobody hung it up;
        `on_held`: the phone holds it or takes it back."""
        self._shell = shell
        self._ways = ways
        self._on_gone = on_gone
        self._on_held = on_held
        self._leg: Leg | None = None
        self._answered: asyncio.Future[Rung] = asyncio.get_running_loop().create_future()
        self._word: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """The phone has said something."""
        self._over = False
        self._first_word_s = FIRST_WORD_S
        self._trunk = ""
        """Over which it goes; empty: none."""
        self.live = False
        """Answered, and not over."""

    @property
    def channel(self) -> MediaChannel | None:
        """See `Line`."""
        return None if self._leg is None else self._leg.channel

    @property
    def called(self) -> bool:
        """See `Line`."""
        return self._leg is not None and bool(self._leg.sip)

    # -- ringing ------------------------------------------------------------------------------

    @property
    def rings(self) -> bool:
        """Never for the page: the phone itself does."""
        return False

    def answer(self) -> bool:
        """It is answered at the phone."""
        return False

    async def ring(self, shown: str, beside: MediaChannel | None, seconds: float) -> Rung:
        """Ring the phone at the first of its ways that answers to it."""
        deadline = self._shell.endpoint.now() + seconds
        found: Rung = "unreachable"
        for way in self._ways:
            if found != "unreachable" or self._shell.endpoint.now() >= deadline:
                break
            self._answered = asyncio.get_running_loop().create_future()
            self._word = asyncio.get_running_loop().create_future()
            found = await self._ring(way, shown, beside, deadline)
            if found:
                self._end()
            if self._over:
                return "gone"
        return found

    async def _ring(
        self, way: PhoneWay, shown: str, beside: MediaChannel | None, deadline: float
    ) -> Rung:
        shell = self._shell
        place = shell.media_place(way.hop.host)
        leg = self._new_leg(way, place)
        if leg.silent:
            log.warning("line.no_offer", why=leg.silent)
            return "unreachable"
        channel = await shell.media.open(place.bind, self._media, beside)
        if isinstance(channel, wire.OpenFailed):
            log.warning("line.no_media", why=channel.reason)
            return "unreachable"
        leg.channel = channel
        if self._over:  # given up meanwhile
            leg.close()
            return "gone"
        self._leg = leg
        if not self._invite(leg, way, self._from(shown, place)):
            return "unreachable"
        self._invited()
        return await self._outcome(deadline)

    def _new_leg(self, way: PhoneWay, place: MediaPlace) -> Leg:
        security = self._shell.security.to_phone(way.hop)
        return Leg("teller", "", place, protection=security, learn_from=way.hop.host)

    def _from(self, shown: str, place: MediaPlace) -> str:
        """Who calls, as the phone is told."""
        return f"sip:{shown}@{_host(place.advertised)}"

    def _invited(self) -> None:
        """The call is placed: a class that counts calls begins here."""

    def _heard(self, event: object) -> None:
        """Of its media, what is none of ours: a teller's keys mean nothing."""

    def _key_by_info(self, digit: str) -> None:
        """The same of a key by SIP INFO."""

    def _invite(self, leg: Leg, way: PhoneWay, caller: str) -> bool:
        endpoint = self._shell.endpoint
        try:
            leg.sip, todo = endpoint.agent.invite(
                *(way.uri, caller, leg.offer(), endpoint.now()),
                destination=way.hop,
                trunk=self._trunk,
                by_flow=way.by_flow,
            )
        except BadUri as error:
            log.warning("line.no_address", error=str(error))
            return False
        self._shell.claim(leg.sip, self._sip)
        endpoint.perform(todo)
        return True

    async def _outcome(self, deadline: float) -> Rung:
        """A phone that says nothing at all is not there; it would ring for half a minute."""
        now = self._shell.endpoint.now
        await asyncio.wait({self._word}, timeout=min(self._first_word_s, deadline - now()))
        if not self._word.done():
            return "unreachable"
        await asyncio.wait({self._answered}, timeout=deadline - now())
        return self._answered.result() if self._answered.done() else "no_answer"

    # -- what is done -------------------------------------------------------------------------

    def join(self, place: Place, toward: MediaChannel | None = None) -> None:
        """See `Line`."""
        if (channel := self.channel) is not None:
            channel.join(place.mixer, place.role, toward=toward, sound=place.sound)

    def leave(self) -> None:
        """See `Line`."""
        if (channel := self.channel) is not None:
            channel.leave()

    def hang_up(self) -> None:
        """See `Line`."""
        self._over = True
        self._settle("gone")
        self._end()

    def _end(self) -> None:
        self.live = False
        leg, self._leg = self._leg, None
        if leg is None:
            return
        if leg.sip:
            self._shell.release(leg.sip)
            self._shell.act.hang_up(leg.sip, "teller's line over")
        leg.close()

    def _gone(self, why: Rung, *, lost: bool = True) -> None:
        """The phone's end of it is over; not `lost`: it hung up."""
        was_live = self.live
        self._settle(why)
        if was_live:
            self._over = True
            self._end()
            self._on_gone(lost)

    def _said(self) -> None:
        if not self._word.done():
            self._word.set_result(None)

    def _settle(self, why: Rung) -> None:
        self._said()
        if not self._answered.done():
            self._answered.set_result(why)

    # -- facts --------------------------------------------------------------------------------

    def _sip(self, fact: Fact) -> None:
        leg = self._leg
        if leg is None:
            return
        match fact:
            case CallRinging():
                self._said()
            case CallAnswered():
                self._taken(leg, fact)
            case CallRefused():
                self._gone(_why(fact.status, rang=self._word.done()))
            case CallEnded():
                self._gone("unreachable", lost=fact.by != "remote")
            case OfferReceived():
                self._reoffered(leg, fact)
            case SessionMoved():
                agreed = leg.read_moved(fact.offer, fact.answer)
                if isinstance(agreed, Refused):
                    self._gone("unreachable")
                else:
                    leg.apply(agreed)
            case KeyInfoReceived():
                self._key_by_info(fact.digit)

    def _taken(self, leg: Leg, fact: CallAnswered) -> None:
        agreed = leg.read_answer(fact.answer)
        if isinstance(agreed, Refused):
            log.warning("line.not_agreed", why=agreed.why)
            self._gone("unreachable")
            return
        leg.apply(agreed)
        self.live = True
        self._settle("")

    def _reoffered(self, leg: Leg, fact: OfferReceived) -> None:
        """The phone holds us, or comes back, or is elsewhere."""
        act = self._shell.act
        if fact.offer is None:
            act.answer(leg.sip, leg.offer())
            return
        if same := leg.negotiation.repeated(fact.offer):
            act.answer(leg.sip, same)
            return
        held = leg.agreed is not None and leg.agreed.hold
        agreed = leg.answer(fact.offer)
        if isinstance(agreed, Refused):
            act.refuse(leg.sip, agreed.status)
            return
        act.answer(leg.sip, agreed.sdp)
        leg.apply(agreed)
        if agreed.hold != held:
            self._on_held(agreed.hold)

    def _media(self, event: object) -> None:
        match event:
            case wire.Secured():
                if self._leg is not None:
                    self._leg.secured()
            case wire.MediaLost() | wire.SecurityFailed():
                log.warning("line.media_lost", kind=type(event).__name__)
                self._gone("unreachable")
            case WorkerLost():
                if self._leg is not None:
                    self._leg.channel = None
                self._gone("unreachable")
            case wire.JoinFailed():
                log.error("line.not_joined", why=event.reason)
            case _:
                self._heard(event)


def _why(status: int, *, rang: bool) -> Rung:
    if status in BUSY:
        return "busy"
    if status in DECLINED:
        return "declined"
    return "no_answer" if status in SILENT and rang else "unreachable"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
