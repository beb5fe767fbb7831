"""The room of tellers calls back customers who kept their place.

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
from telebank.calls.faxes.tolls import Refusal
from telebank.calls.tellers.calls_out import Reached
from telebank.calls.tellers.conversation import Conversation
from telebank.calls.tellers.customer import Customer, Said
from telebank.calls.tellers.keeping import KeptPlace, Places
from telebank.calls.tellers.own_calls import SEAT_RINGS_S, OwnCalls
from telebank.calls.tellers.talk import Seat, StillWanted, Talk
from telebank.calls.tellers.values import Ended

log = structlog.get_logger("telebank.tellers")

GIVEN_UP = ("unreachable", "expired", "cancelled")
"""How a place is lost that was kept."""
FAILURES: tuple[Failure, ...] = get_args(Failure)


class Calling(OwnCalls):
    """Who keeps a place, until he is called."""

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
        """See `CallsOut`; whose place is kept keeps it."""
        if talk.kept:
            self._back_to_place(talk, seat, why, "seat")
        else:
            super()._not_wanted(talk, seat, why)


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
