"""The room of tellers calls people: customers who kept their place, numbers that a teller wants.

A customer is called back when it is his turn: first the seat rings, so that a teller is there, and
then he; while he is rung the teller hears the ring-back tone. Whom nobody reaches keeps his place
for another try. Every call out is judged by `[outbound]`, and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import structlog

from telebank.agents import commands, events
from telebank.agents.events import Failure, Party
from telebank.calls.dialling import Dialled
from telebank.calls.faxes.tolls import Refusal, Target
from telebank.calls.services import PlacedCall
from telebank.calls.tellers.calls_out import CallsOut, Reached, code_of
from telebank.calls.tellers.conversation import Conversation
from telebank.calls.tellers.customer import Customer, Said
from telebank.calls.tellers.keeping import KeptPlace, Places
from telebank.calls.tellers.talk import Seat, StillWanted, Talk
from telebank.calls.tellers.values import CallerCard, Code, Ended

log = structlog.get_logger("telebank.tellers")

SEAT_RINGS_S = 20.0
"""Seconds that a seat is rung for a call out."""
GIVEN_UP = ("unreachable", "expired", "cancelled")
"""How a place is lost that was kept."""
FAILURES: tuple[Failure, ...] = get_args(Failure)
CALLED = ("ready", "busy")
"""States of a seat that may call somebody."""


class Calling(CallsOut):
    """Who keeps a place, and whom a teller calls."""

    places: Places | None = None
    """Where places are kept beside this room; None: nowhere."""

    @property
    def kept(self) -> int:
        """Places of those who are to be called back, and are not being called."""
        return sum(talk.kept and not talk.calling for talk in self._talks.values())

    def drain(self) -> None:
        """The node is about to stop: nobody is called any more who is not being called now."""
        if not self._draining:
            self._draining = True
            self._tell(events.NoMoreCallBacks())

    async def close(self) -> None:
        """Hang up those whom we called, too."""
        for talk in self._talks.values():
            if isinstance(talk.port, Customer):
                talk.port.hang_up()
        await super().close()

    # -- a place is kept ----------------------------------------------------------------------

    def choose(self, call: str, number: str) -> bool:
        """He wants to be called back at a number, and keeps his place; without one he waits on.
        False: the number may not be called."""
        talk = self._talks.get(call)
        if talk is None or not number:
            self._tell(events.CallerChose(call, "wait"))
            return True
        if not self.may_call(number):
            return False
        talk.number = number
        self._tell(events.CallerChose(call, "call_back", number))
        return True

    def types(self, call: str) -> None:
        """He begins to key another number."""
        self._tell(events.CallerTypes(call))

    def _announce(self, what: commands.Announce) -> None:
        talk = self._talks.get(what.call)
        if talk is None:
            return
        if what.what == "call_back_kept":
            self._spawn(self._keep(talk))
        elif what.what != "call_back_offer" or self.may_call(talk.caller.number):
            talk.port.announce(what)
        elif not talk.queue:  # it is full, and all that it has to offer is a call
            self._tell(events.CallerChose(talk.ref, "leave"))

    async def _keep(self, talk: Talk) -> None:
        """It is written down before he is told."""
        port, card = talk.port, talk.port.card()
        talk.kept, talk.card = True, card
        talk.turn("kept")
        view = self._machine.waiting(talk.ref)
        if view is not None and self.places is not None:
            talk.queue = view.queue
            now = self._clock.now()
            since = now - timedelta(seconds=self._shell.endpoint.now() - view.since)
            talk.place = KeptPlace(talk.caller, view.queue, talk.number, card, since, now)
            await self.places.keep(talk.place)
        if talk.port is port:
            port.kept()

    def take_up(self, places: Sequence[KeptPlace]) -> None:
        """Places that a former life of this node kept, who waits longest first."""
        now = self._clock.now()
        for place in places:
            ref, mixers = place.caller.call, (next(self._mixers), next(self._mixers))
            port = Customer(self._shell, self._shell.placed(), place.card, ref)
            conversation = Conversation(*mixers)
            conversation.state = "kept"
            talk = Talk(
                *(port, place.caller, conversation, place.since, self._clock.now, self._dropped)
            )
            talk.kept, talk.direction, talk.card = True, "out", place.card
            talk.number, talk.queue, talk.tries = place.number, place.queue, place.tries
            talk.place = place
            self._talks[ref] = talk
            self._tell(place.told(now, self.options.call_back_again_s))
            self._changed(talk)

    def gone(self, call: str, how: Ended = "caller") -> None:
        """See `Ringing`; whose place is kept stays, and can be rung from now on."""
        talk = self._talks.get(call)
        if talk is None or not talk.kept or talk.direction == "out":
            super().gone(call, how)
            return
        card = talk.card or talk.port.card()
        talk.port.leave()
        talk.port = Customer(self._shell, self._shell.placed(), card, talk.ref)
        talk.conversation = Conversation(next(self._mixers), next(self._mixers))
        talk.conversation.state, talk.direction = "kept", "out"
        self._tell(events.CallerLeft(call))
        self._changed(talk)

    # -- his turn -----------------------------------------------------------------------------

    def _call_back(self, command: commands.CallBack) -> None:
        talk, seat = self._talks.get(command.call), self._seats.get(command.seat)
        if talk is None or seat is None or not isinstance(talk.port, Customer):
            self._tell(events.OfferFailed(command.call, command.seat, "unreachable", "customer"))
            return
        wanted = self._calls_for(talk, seat)
        self._spawn(self._called_back(talk, seat, talk.port, wanted))

    def _calls_for(self, talk: Talk, seat: Seat) -> StillWanted:
        talk.calling, seat.call, talk.answered_by = seat.id, talk.ref, ""
        talk.turn("calling")
        self._changed(talk)
        self.on_change("SeatRow", seat.id)
        return talk.attempt(lambda: talk.calling == seat.id)

    async def _called_back(
        self, talk: Talk, seat: Seat, customer: Customer, wanted: StillWanted
    ) -> None:
        rung = await self._bring(talk, seat.id, seat.phone, SEAT_RINGS_S, wanted)
        if rung == "gone":
            return
        if rung:
            self._back_to_place(talk, seat.id, rung, "seat")
            return
        talk.conversation.teller = seat.id
        talk.arrange()
        why = await self._reached(talk, seat, wanted)
        if not why:
            why = WHY_NOT[await customer.consents(judged=self._judges_answers)]
        if not wanted():
            return
        if not why:
            await self._there(talk, wanted)
        elif why == "cancelled":
            talk.answered_by = why
            customer.dropped()
            self._tell(events.CallerLeft(talk.ref))
        else:
            self._back_to_place(talk, seat.id, why, "customer")

    async def _reached(self, talk: Talk, seat: Seat, wanted: StillWanted) -> Reached:
        """Call whose place is kept, where that may be."""
        talk.trying = True
        await self._tries(talk, talk.tries + 1)
        placed, target = self._shell.placed(), self._ruled(talk.number)
        if isinstance(target, Refusal):
            self._note("call.refused", talk.ref, actor=seat.id, rule=target.rule)
            return "unreachable"
        dialled = await self._reserve(talk, seat.id, target, placed.ref)
        if isinstance(dialled, Refusal):
            return "unreachable"
        line = self._customer_line(talk, dialled)
        return await self._reach(talk, seat, placed, line, wanted)

    async def _there(self, talk: Talk, wanted: StillWanted) -> None:
        """He is on the line: should the node die from now on, he is not called again."""
        talk.trying = False
        if self.places is not None:
            await self.places.taken(talk.ref)
        if wanted():
            self._tell(events.CallerBack(talk.ref))
        elif self.places is not None and self._talks.get(talk.ref) is talk and talk.place:
            # His teller has gone in that moment: he keeps his place after all.
            await self.places.keep(replace(talk.place, tries=talk.tries))

    async def _tries(self, talk: Talk, tries: int) -> None:
        talk.tries = tries
        if self.places is not None:
            await self.places.tried(talk.ref, tries)

    def _back_to_place(self, talk: Talk, seat: str, why: Reached, party: Party) -> None:
        """Nothing came of it: he stands where he stood, or is tried again later."""
        self._give_up(talk, seat)
        if talk.trying and party == "seat":  # that was none of the customer's
            self._spawn(self._tries(talk, talk.tries - 1))
        talk.trying = False
        talk.answered_by = why if party == "customer" else ""
        self._note("call_back.failed", talk.ref, actor=seat, party=party, why=why)
        failure: Failure = next((one for one in FAILURES if one == why), "no_answer")
        self._tell(events.OfferFailed(talk.ref, seat, failure, party))
        self._changed(talk)

    def _give_up(self, talk: Talk, seat: str) -> None:
        talk.calling = ""
        if isinstance(talk.port, Customer):
            talk.port.hang_up()
        talk.drop(seat)
        talk.turn("kept")

    def _ring(self, ring: commands.Ring) -> None:
        """See `Ringing`; of one who is called back and is there, the seat is there too."""
        talk = self._talks.get(ring.call)
        if talk is None or not talk.calling or talk.calling != ring.seat:
            super()._ring(ring)
            return
        talk.calling, talk.kept = "", False
        self._begin(talk, self._seats[ring.seat])
        self._tell(events.OfferTaken(talk.ref, ring.seat))

    def _unring(self, call: str, seat_id: str) -> None:
        talk = self._talks.get(call)
        if talk is None or not talk.calling or talk.calling != seat_id:
            super()._unring(call, seat_id)
            return
        if talk.answered_by != "cancelled":  # else he is being told so
            self._give_up(talk, seat_id)
        self._changed(talk)

    def _noted(self, command: commands.Noted) -> None:
        """See `Ringing`; whose place is lost is here no more."""
        super()._noted(command)
        talk = self._talks.get(command.call)
        lost = command.kind == "queue.left" and command.detail.get("how") in GIVEN_UP
        if lost and talk is not None and talk.kept:
            del self._talks[command.call]
            if self.places is not None:
                self.places.over(command.call, str(command.detail["how"]))
            talk.calling = ""
            for party in list(talk.lines):
                talk.drop(party)
            self.on_change("CallRow", command.call)

    def _line_gone(self, talk: Talk, party: str, how: Ended = "teller") -> None:
        """See `Ringing`; a teller who hangs up while somebody is called does not want it."""
        if talk.calling == party and party:
            self._not_wanted(talk, party, "unreachable" if how == "lost" else "declined")
        else:
            super()._line_gone(talk, party, how)

    def _not_wanted(self, talk: Talk, seat: str, why: Failure = "declined") -> None:
        if talk.kept:
            self._back_to_place(talk, seat, why, "seat")
        else:
            self._not_called(talk, seat, why)

    # -- a call of a teller's own -------------------------------------------------------------

    async def call(self, seat: str, number: str) -> Code | None:
        """Call a number, first the seat's own phone: or why it cannot be called now, and then
        nothing rings."""
        found = self._seats.get(seat)
        if found is None:
            return "no_seat"
        if found.state not in CALLED or self._busy(seat):
            return "wrong_state"
        target = self._target(number)
        if not isinstance(target, Target):
            return target
        placed = self._shell.placed()
        talk = self._own_call(found, placed, target, number)
        wanted = self._calls_for(talk, found)
        dialled = await self._reserve(talk, seat, target, placed.ref)
        if isinstance(dialled, Refusal):
            why = code_of(dialled)
            if wanted():
                self._not_called(talk, seat, why)
            return why
        self._spawn(self._called(talk, found, placed, dialled, wanted))
        return None

    def _own_call(self, seat: Seat, placed: PlacedCall, target: Target, number: str) -> Talk:
        """A conversation with whom a seat calls; the seat talks from now on."""
        now = self._clock.now
        card = _nobody(target.masked, now().isoformat(timespec="milliseconds"))
        customer = Customer(self._shell, placed, card, placed.ref)
        mixers = next(self._mixers), next(self._mixers)
        caller = events.Caller(call=placed.ref, skill="", number=number)
        talk = Talk(customer, caller, Conversation(*mixers), now(), now, self._dropped)
        talk.number, talk.direction = number, "out"
        self._talks[talk.ref] = talk
        seat.not_called = ""
        self._tell(events.TalkBegan(talk.ref, seat.id))
        return talk

    async def _called(
        self, talk: Talk, seat: Seat, placed: PlacedCall, dialled: Dialled, wanted: StillWanted
    ) -> None:
        line = self._customer_line(talk, dialled)
        rung = await self._bring(talk, seat.id, seat.phone, SEAT_RINGS_S, wanted, asked=True)
        if rung or not wanted():
            line.hang_up()
            if wanted():
                self._not_called(talk, seat.id, "own_phone")
            return
        talk.conversation.teller = seat.id
        talk.arrange()
        why = await self._reach(talk, seat, placed, line, wanted)
        if not wanted():
            return
        if why:
            self._not_called(talk, seat.id, self._why(why, dialled.target))
        else:
            talk.calling = ""
            self._begin(talk, seat)

    def _why(self, why: Reached, target: Target) -> Reached:
        """Of whom cannot be reached over a trunk that is down."""
        down = bool(target.trunk) and self._shell.endpoint.agent.is_down(target.trunk)
        return "trunk_down" if why == "unreachable" and down else why

    def _not_called(self, talk: Talk, seat: str, why: Reached) -> None:
        self._give_up(talk, seat)
        self._talks.pop(talk.ref, None)
        if (found := self._seats.get(seat)) is not None:
            found.not_called = why
        self._note("call.failed", talk.ref, actor=seat, why=why)
        self._tell(events.TalkEnded(talk.ref, seat))
        self._tell(events.WrappedUp(seat))
        self.on_change("CallRow", talk.ref)

    def _used_up(self, talk: Talk) -> None:
        """Nothing is left of the day for the call to whom we called: it ends with a goodbye."""
        if self._talks.get(talk.ref) is not talk:
            return
        if talk.calling:
            self._not_wanted(talk, talk.calling, "unreachable")
            return
        for seat in list(talk.parts):
            self._part(talk, seat, "limit")
        self._release(talk)
        talk.port.goodbye()

    def _busy(self, person: str, but: Talk | None = None) -> bool:
        """Whether he has a line in a conversation, or is rung or called for one; `but`: another
        than that."""
        others = (talk for talk in self._talks.values() if talk is not but)
        return any(person in (one.calling, one.ringing, *one.lines) for one in others)


WHY_NOT: Mapping[Said, str] = {
    "yes": "",
    "no": "cancelled",
    "silent": "machine",
    "gone": "declined",
    "fax": "fax",
    "busy": "busy",
    "congestion": "congestion",
}
"""Why it comes to nothing that he answered; empty: it does not."""


def _nobody(number: str, began: str) -> CallerCard:
    return CallerCard(
        caller=number,
        language="zh",
        began=began.replace("+00:00", "Z"),
        level=0,
        customer="",
        token="",
        business="",
        path=(),
        keys="",
    )
