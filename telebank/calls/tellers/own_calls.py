"""A teller calls a number: first his own phone rings, then whom he wants."""

from telebank.agents import events
from telebank.calls.dialling import Dialled
from telebank.calls.faxes.tolls import Refusal, Target
from telebank.calls.services import PlacedCall
from telebank.calls.tellers.calls_out import CallsOut, Reached, code_of
from telebank.calls.tellers.conversation import Conversation
from telebank.calls.tellers.customer import Customer
from telebank.calls.tellers.talk import Seat, StillWanted, Talk
from telebank.calls.tellers.values import CallerCard, Code

SEAT_RINGS_S = 20.0
"""Seconds that a seat is rung for a call out."""
CALLED = ("ready", "busy")
"""States of a seat that may call somebody."""


class OwnCalls(CallsOut):
    """Calls that tellers want."""

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

    def _calls_for(self, talk: Talk, seat: Seat) -> StillWanted:
        talk.calling, seat.call, talk.answered_by = seat.id, talk.ref, ""
        talk.turn("calling")
        self._changed(talk)
        self.on_change("SeatRow", seat.id)
        return talk.attempt(lambda: talk.calling == seat.id)

    def _busy(self, person: str, but: Talk | None = None) -> bool:
        """Whether he has a line in a conversation, or is rung or called for one; `but`: another
        than that."""
        others = (talk for talk in self._talks.values() if talk is not but)
        return any(person in (one.calling, one.ringing, *one.lines) for one in others)


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
