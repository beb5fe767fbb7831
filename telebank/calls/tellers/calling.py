"""The room of tellers calls people: customers who kept their place, numbers that a teller wants.

A customer is called back when it is his turn: first the seat rings, so that a teller is there, and
then he; while he is rung the teller hears the ring-back tone. Whom nobody reaches keeps his place
for another try. Every call out is judged by `[outbound]`, and counted.
"""

import structlog

from telebank.agents import commands, events
from telebank.agents.events import Failure, Party
from telebank.calls.dialling import Dialled, Dialling
from telebank.calls.faxes.tolls import Refusal, Target
from telebank.calls.services import PlacedCall
from telebank.calls.tellers.conversation import Conversation
from telebank.calls.tellers.customer import Customer
from telebank.calls.tellers.customer_line import RINGS_S, CustomerLine
from telebank.calls.tellers.ringing import Ringing
from telebank.calls.tellers.talk import OUT, Seat, StillWanted, Talk
from telebank.calls.tellers.values import CAPS, CallerCard, Code, Ended, Rung

log = structlog.get_logger("telebank.tellers")

SEAT_RINGS_S = 20.0
"""Seconds that a seat is rung for a call out."""
GIVEN_UP = ("unreachable", "expired", "cancelled")
"""How a place is lost that was kept."""
CALLED = ("ready", "busy")
"""States of a seat that may call somebody."""
Reached = Failure | str
"""Why somebody was not reached; empty: he is there."""


class Calling(Ringing):
    """Calls to numbers; without `dialling` there are none."""

    dialling: Dialling | None = None
    _draining = False

    @property
    def calls_out(self) -> int:
        """Calls to numbers that are up, or about to be placed."""
        return sum(
            bool(talk.calling or talk.port.called)
            + sum(party.startswith(OUT) for party in talk.lines)
            for talk in self._talks.values()
        )

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

    def may_call(self, number: str) -> bool:
        """Whether a rule of `[outbound]` lets a number be called, now or later."""
        return isinstance(self._ruled(number), Target)

    def _ruled(self, number: str) -> Target | Refusal:
        if self.dialling is None:
            return Refusal("not_allowed", "nobody is called here")
        return self.dialling.judge(number)

    def _target(self, number: str) -> Target | Code:
        """Where a number is called that a teller wants to call now; or why it is not."""
        if self._draining:
            return "draining"
        found = self._ruled(number)
        return _code(found) if isinstance(found, Refusal) else found

    def _announce(self, what: commands.Announce) -> None:
        talk = self._talks.get(what.call)
        if talk is None:
            return
        if what.what == "call_back_kept":
            talk.kept, talk.card = True, talk.port.card()
            talk.turn("kept")
            talk.port.kept()
        elif what.what != "call_back_offer" or self.may_call(talk.caller.number):
            talk.port.announce(what)
        elif not talk.queue:  # it is full, and all that it has to offer is a call
            self._tell(events.CallerChose(talk.ref, "leave"))

    def gone(self, call: str) -> None:
        """See `Ringing`; whose place is kept stays, and can be rung from now on."""
        talk = self._talks.get(call)
        if talk is None or not talk.kept or talk.direction == "out":
            super().gone(call)
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
            why = _WHY_NOT[await customer.consents()]
        if not wanted():
            return
        if not why:
            self._tell(events.CallerBack(talk.ref))
        elif why == "cancelled":
            talk.answered_by = why
            customer.dropped()
            self._tell(events.CallerLeft(talk.ref))
        else:
            self._back_to_place(talk, seat.id, why, "customer")

    async def _reached(self, talk: Talk, seat: Seat, wanted: StillWanted) -> Reached:
        """Call whose place is kept, where that may be."""
        placed, target = self._shell.placed(), self._ruled(talk.number)
        if isinstance(target, Refusal):
            self._note("call.refused", talk.ref, actor=seat.id, rule=target.rule)
            return "unreachable"
        dialled = await self._reserve(talk, seat.id, target, placed.ref)
        if isinstance(dialled, Refusal):
            return "unreachable"
        line = self._customer_line(talk, dialled)
        return await self._reach(talk, seat, placed, line, wanted)

    def _back_to_place(self, talk: Talk, seat: str, why: Reached, party: Party) -> None:
        """Nothing came of it: he stands where he stood, or is tried again later."""
        self._give_up(talk, seat)
        talk.answered_by = why if party == "customer" else ""
        self._note("call_back.failed", talk.ref, actor=seat, party=party, why=why)
        failure: Failure = "no_answer" if why == "machine" else why  # type: ignore[assignment]
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
            why = _code(dialled)
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

    def _busy(self, person: str, but: Talk | None = None) -> bool:
        """Whether he has a line in a conversation, or is rung or called for one; `but`: another
        than that."""
        others = (talk for talk in self._talks.values() if talk is not but)
        return any(person in (one.calling, one.ringing, *one.lines) for one in others)

    # -- calls --------------------------------------------------------------------------------

    def _customer_line(self, talk: Talk, dialled: Dialled) -> CustomerLine:
        """To the caller of a conversation, who is one that we call."""
        assert self.dialling is not None
        assert isinstance(talk.port, Customer)
        customer = talk.port

        def gone() -> None:
            self._customer_gone(talk, customer)

        def limit(rule: str, over: bool) -> None:
            self._limited(talk, rule)
            if over:
                self._used_up(talk)

        parts = (self._shell, self.dialling, dialled, gone)
        return CustomerLine(*parts, on_media=customer.heard, on_limit=limit)

    async def _reach(
        self, talk: Talk, seat: Seat, placed: PlacedCall, line: CustomerLine, wanted: StillWanted
    ) -> Reached:
        """Call the number of a conversation, for a seat that is there."""
        assert isinstance(talk.port, Customer)
        if not wanted():
            line.hang_up()
            return "declined"
        self._placed(talk, seat.id, line.target)
        talk.port.begin(placed, line)
        there = talk.lines.get(seat.id)
        rung = await line.ring("", None if there is None else there.channel, RINGS_S)
        return "declined" if rung == "gone" else rung

    async def _reserve(self, talk: Talk, seat: str, target: Target, ref: str) -> Dialled | Refusal:
        """Count a call; or why it is not placed."""
        assert self.dialling is not None
        dialled = await self.dialling.reserve(ref, target)
        if isinstance(dialled, Refusal):
            log.warning("tellers.not_called", call=talk.ref, why=dialled.why)
            self._note("call.refused", talk.ref, actor=seat, rule=dialled.rule)
        return dialled

    def _placed(self, talk: Talk, seat: str, target: Target) -> None:
        self._note("call.placed", talk.ref, actor=seat, to=target.masked, trunk=target.trunk)

    def _limited(self, talk: Talk, rule: str) -> None:
        """A cap of `[outbound]` is near, or is no more: the teller sees it."""
        talk.limit = rule
        self._note("call.limit", talk.ref, actor=talk.conversation.teller or "system", rule=rule)
        self._changed(talk)

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

    def _customer_gone(self, talk: Talk, customer: Customer) -> None:
        """Whom we called has hung up."""
        customer.gone()
        if not talk.calling and self._talks.get(talk.ref) is talk:
            self.gone(talk.ref)

    # -- others in a conversation -------------------------------------------------------------

    async def _bring_number(
        self, talk: Talk, party: str, seat: str, number: str, wanted: StillWanted
    ) -> Rung:
        """Call a third for a seat; answered, his line is in `talk.lines`. Who is not `wanted` any
        more, perhaps before he is called, is `gone`."""
        target = self._ruled(number)
        if isinstance(target, Refusal) or self.dialling is None:
            return "unreachable"
        dialled = await self._reserve(talk, seat, target, self._shell.placed().ref)
        if isinstance(dialled, Refusal):
            return "unreachable"

        def gone() -> None:
            self._line_gone(talk, party)

        def limit(rule: str, over: bool) -> None:
            self._limited(talk, rule)
            if over and talk.lines.get(party) is line:
                self._line_gone(talk, party, "limit")

        line = CustomerLine(self._shell, self.dialling, dialled, gone, on_limit=limit)
        if not wanted():
            line.hang_up()
            return "gone"
        self._placed(talk, seat, target)
        talk.put(party, line)
        rung = await line.ring("", talk.port.channel, RINGS_S)
        if wanted():
            return rung
        talk.drop(party, line)
        return "gone"


def _code(refusal: Refusal) -> Code:
    """How a refusal is told to a teller: caps by their own names, what no rule allows as one."""
    return next((cap for cap in CAPS if cap == refusal.rule), "unknown_target")


_WHY_NOT = {"yes": "", "no": "cancelled", "silent": "machine", "gone": "declined"}


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
