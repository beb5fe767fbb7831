"""What a teller does with his call and his seat. Each act returns why it was not done, or None."""

from collections.abc import Callable

from telebank.agents import events
from telebank.agents.events import Wanted
from telebank.calls.faxes.tolls import Target
from telebank.calls.tellers.browser_phone import BROWSER, BrowserPhone, OfferRefused
from telebank.calls.tellers.calling import Calling
from telebank.calls.tellers.conversation import State
from telebank.calls.tellers.hands import EntryEnded, Listener, Terms
from telebank.calls.tellers.line import Line
from telebank.calls.tellers.talk import OUT, Seat, StillWanted, Talk
from telebank.calls.tellers.values import CallerPort, Code

Then = Callable[[EntryEnded], None]
CONSULT_S = 30.0
"""Seconds that somebody who is consulted is rung."""


def nothing(_ended: EntryEnded) -> None:
    """What follows a PIN that was asked for no service."""


class Acts(Calling):
    """Of one teller at a time, by the id of his seat."""

    # -- the seat -----------------------------------------------------------------------------

    def enter(
        self, person: str, name: str, phone: str, skills: dict[str, int], days: int = 10_000
    ) -> Code | None:
        """He sits down at the desk whose phone has this extension; `BROWSER`: his page is it."""
        if not self._queues:
            return "not_set_up"
        if person in self._seats:
            return "wrong_state"
        if len(self._seats) >= self.options.seats:
            return "full"
        if phone != BROWSER and not self._phones.phone_ways(phone):
            return "no_phone"
        if phone != BROWSER and any(seat.phone == phone for seat in self._seats.values()):
            return "phone_busy"
        seat = Seat(person, name, phone, "offline", self._clock.now())
        if phone == BROWSER:
            seat.browser = BrowserPhone(self._shell, lambda: self.on_change("SeatRow", person))
        self._seats[person] = seat
        self._note("seat.entered", actor=person, seat=person, phone=phone)
        self._tell(events.SeatEntered(person, name, skills, days))
        self.on_change("SeatRow", person)
        return None

    async def offer(self, seat: str, sdp: str, address: str) -> str | OfferRefused:
        """The answer to what the browser offers that is his telephone; `address` of his page."""
        found = self._seats.get(seat)
        if found is None:
            return OfferRefused("no_seat")
        if found.browser is None:
            return OfferRefused("wrong_state")
        return await found.browser.offer(sdp, address)

    def leave(self, seat: str, by: str = "") -> Code | None:
        """He logs out, or is made to by somebody; in a talk it holds afterwards."""
        if seat not in self._seats:
            return "no_seat"
        self._tell(events.SeatLeft(seat, by))
        self.on_change("SeatRow", seat)
        return None

    def seen(self, seat: str) -> None:
        """His page is there."""
        if seat in self._seats:
            self._tell(events.SeatSeen(seat))

    def want(self, seat: str, state: Wanted, reason: str = "", by: str = "") -> Code | None:
        """The state he wants, or is forced into; in a call it holds afterwards."""
        if seat not in self._seats:
            return "no_seat"
        self._tell(events.SeatWanted(seat, state, reason, by))
        self.on_change("SeatRow", seat)
        return None

    def wrapped(self, seat: str) -> Code | None:
        """His paperwork is done."""
        found = self._seats.get(seat)
        if found is None:
            return "no_seat"
        if found.state != "wrap_up":
            return "wrong_state"
        self._tell(events.WrappedUp(seat))
        return None

    # -- his call -----------------------------------------------------------------------------

    def answer(self, seat: str) -> Code | None:
        """He takes the call that rings at his page; a desk phone is answered at the phone."""
        if seat not in self._seats:
            return "no_seat"
        line = self._line_of(seat)
        return None if line is not None and line.answer() else "wrong_state"

    def hang_up(self, seat: str) -> Code | None:
        """He is out of the conversation; or he does not take the call that rings."""
        if (ringing := self._rung(seat)) is not None:
            ringing.ringing = ""
            ringing.drop(seat)
            ringing.turn("waiting")
            self._tell(events.OfferFailed(ringing.ref, seat, "declined"))
            self._changed(ringing)
            return None
        if (called := self._called_for(seat)) is not None:
            self._not_wanted(called, seat)
            return None
        line = self._line_of(seat)
        if line is not None and line.rings:  # he is consulted
            line.hang_up()
            return None
        talk = self._talk_of(seat)
        if talk is None:
            return self._none(seat)
        self._leaves(talk, seat, "teller")
        return None

    def hold(self, seat: str) -> Code | None:
        """The caller hears music."""
        return self._turned(seat, ("talking",), "held")

    def resume(self, seat: str) -> Code | None:
        """The caller is back, also from a PIN that he has not entered."""
        talk = self._own(seat)
        if talk is not None and talk.state == "pin":
            talk.port.leave_entry()
            self._back_from_pin(talk, seat, "cancelled")
            return None
        return self._turned(seat, ("held",), "talking")

    # -- his PIN ------------------------------------------------------------------------------

    def pin(self, seat: str, then: Then = nothing, terms: Terms | None = None) -> Code | None:
        """The caller keys his PIN: nobody hears him, nothing is recorded, and the menus take it.
        `terms`: he signs them by it, and the machine reads them to him first. `then` takes what
        came of it, unless he or the teller is gone by then."""
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if talk.state != "talking":
            return "wrong_state"
        self._recordings.pause(talk, paused=True)
        talk.pin = talk.pin_result = ""
        talk.turn("pin")

        def keyed(text: str, step: str) -> None:
            if (talk.pin, talk.step) != (text, step):
                talk.pin, talk.step = text, step
                self._changed(talk)

        def over(ended: EntryEnded) -> None:
            if talk.state == "pin" and self._own(seat) is talk:
                self._back_from_pin(talk, seat, ended.exit)
                then(ended)

        if not talk.port.enter_pin(Listener(keyed, over), terms):
            talk.pin = talk.step = ""
            self._recordings.pause(talk, paused=False)
            talk.turn("talking")
            return "wrong_state"
        self._note("contact.pin", talk.ref, actor=seat, state="asked")
        self._changed(talk)
        return None

    def _back_from_pin(self, talk: Talk, seat: str, result: str) -> None:
        talk.pin, talk.step, talk.pin_result = "", "", result
        self._recordings.pause(talk, paused=False)
        talk.turn("talking")
        self._note("contact.pin", talk.ref, actor=seat, state=result)
        self._changed(talk)

    def caller_of(self, seat: str, call: str) -> CallerPort | Code:
        """Whom he has, where it is that one: for services that he does for him."""
        talk = self._own(seat)
        if talk is None or talk.ref != call:
            return self._none(seat)
        return talk.port

    def in_pin(self, call: str) -> bool:
        """Whether a caller keys his PIN now."""
        talk = self._talks.get(call)
        return talk is not None and talk.state == "pin"

    def telling(self, call: str, *, on: bool) -> None:
        """The machine tells a caller a result, or has told it."""
        talk = self._talks.get(call)
        if talk is not None and talk.state != "pin":
            talk.step = "result" if on else ""
            self._changed(talk)

    def served(self, seat: str, call: str, **detail: str) -> None:
        """A service that a seat does for a caller: a line for the event log."""
        self._note("contact.service", call, actor=seat, **detail)

    def menu(self, seat: str) -> Code | None:
        """He gives the caller back to the menu."""
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if talk.state == "pin":
            return "wrong_state"
        for party in list(talk.parts):
            self._part(talk, party, "menu")
        self._release(talk)
        talk.port.leaves_by("done")
        return None

    # -- others -------------------------------------------------------------------------------

    def consult(self, seat: str, to: str) -> Code | None:
        """Ring another seat (`seat:ID`) while the caller hears music."""
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if talk.state not in ("talking", "held"):
            return "wrong_state"
        kind, _, number = to.partition(":")
        if kind == "number":
            return self._consult_number(talk, seat, number)
        other = self._seat_named(to)
        if other is None or other.id == seat:
            return "unknown_target"
        if other.state != "ready":
            return "taken"
        talk.conversation.other = other.id
        talk.turn("consulting")
        self._tell(events.TalkBegan(talk.ref, other.id))
        other.call = talk.ref
        wanted = talk.attempt(lambda: talk.conversation.other == other.id)
        self._spawn(self._consult(talk, other, wanted))
        self._changed(talk)
        return None

    async def _consult(self, talk: Talk, other: Seat, wanted: StillWanted) -> None:
        rung = await self._bring(talk, other.id, other.phone, CONSULT_S, wanted)
        if rung == "":
            talk.conversation.other_there = True
            self._take_part(talk, other)
            talk.arrange()
            return
        if wanted():
            talk.drop(other.id)
            talk.turn("talking")
            self._changed(talk)
        self._not_taken(talk, other)

    def _consult_number(self, talk: Talk, seat: str, number: str) -> Code | None:
        target = self._target(number)
        if not isinstance(target, Target):
            return target
        party = f"{OUT}{target.masked}"
        talk.conversation.other = party
        talk.turn("consulting")
        wanted = talk.attempt(lambda: talk.conversation.other == party)
        self._spawn(self._consulted(talk, party, seat, number, wanted))
        self._changed(talk)
        return None

    async def _consulted(
        self, talk: Talk, party: str, seat: str, number: str, wanted: StillWanted
    ) -> None:
        rung = await self._bring_number(talk, party, seat, number, wanted)
        if not wanted():
            return
        if rung == "":
            talk.conversation.other_there = True
            talk.arrange()
            self._changed(talk)
        else:
            talk.drop(party)
            talk.turn("talking")
            self._changed(talk)

    def _not_taken(self, talk: Talk, other: Seat) -> None:
        """He did not answer: nothing is to be wrapped up."""
        self._tell(events.TalkEnded(talk.ref, other.id))
        self._tell(events.WrappedUp(other.id))

    def consult_end(self, seat: str) -> Code | None:
        """The other goes, the caller is back."""
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if talk.state not in ("consulting", "three_way"):
            return "wrong_state"
        self._without_other(talk)
        talk.turn("talking")
        self._changed(talk)
        return None

    def _without_other(self, talk: Talk) -> None:
        """Whom he consults goes, also where he is still rung: then his ringing ends by itself."""
        if talk.conversation.other_there:
            self._part(talk, talk.conversation.other, "teller")
        elif talk.conversation.other:
            talk.drop(talk.conversation.other)

    def three_way(self, seat: str) -> Code | None:
        """Teller, caller and whom he consults hear each other."""
        talk = self._own(seat)
        if talk is not None and not talk.conversation.other_there:
            return "wrong_state"
        return self._turned(seat, ("consulting",), "three_way")

    def transfer(self, seat: str, to: str, *, blind: bool) -> Code | None:
        """The caller goes to another seat or queue; not `blind`: to whom is consulted."""
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if talk.state == "pin":
            return "wrong_state"
        return self._send(talk, seat, to) if blind else self._hand_over(talk, seat)

    def _hand_over(self, talk: Talk, seat: str) -> Code | None:
        """To whom he consults."""
        if not talk.conversation.other_there:
            return "wrong_state"
        self._note("contact.transferred", talk.ref, actor=seat, to=talk.conversation.other)
        self._part(talk, seat, "transfer")
        self._promote(talk)
        return None

    def _send(self, talk: Talk, seat: str, to: str) -> Code | None:
        kind, _, name = to.partition(":")
        if kind == "number":
            return self._transfer_out(talk, seat, name)
        known = self._queues if kind == "queue" else self._seats if kind == "seat" else {}
        if name not in known or name == seat:
            return "unknown_target"
        self._note("contact.transferred", talk.ref, actor=seat, to=to)
        self._send_on(talk, seat, *((name, "") if kind == "queue" else ("", name)))
        return None

    def _transfer_out(self, talk: Talk, seat: str, number: str) -> Code | None:
        """The caller hears music until the number answers; if it does not, he waits for the teller
        who sent him there, or for another."""
        target = self._target(number)
        if not isinstance(target, Target):
            return target
        party = f"{OUT}{target.masked}"
        self._note("contact.transferred", talk.ref, actor=seat, to=party)
        self._without_other(talk)
        self._recordings.end(talk)
        talk.turn("waiting")
        self._part(talk, seat, "transfer")
        wanted = talk.attempt(lambda: self._talks.get(talk.ref) is talk)
        self._spawn(self._sent_out(talk, party, seat, number, wanted))
        self._changed(talk)
        return None

    async def _sent_out(
        self, talk: Talk, party: str, seat: str, number: str, wanted: StillWanted
    ) -> None:
        rung = await self._bring_number(talk, party, seat, number, wanted)
        if not wanted():
            return
        if rung == "":
            talk.conversation.teller = party
            talk.turn("talking")
            self._changed(talk)
        else:
            talk.drop(party)
            self._note("contact.not_transferred", talk.ref, actor=seat, why=rung)
            self._tell(
                events.CallerCame(talk.caller, talk.queue or self.options.queues[0].name, seat)
            )

    def _send_on(self, talk: Talk, seat: str, queue: str, to: str) -> None:
        self._without_other(talk)
        self._recordings.end(talk)
        talk.turn("waiting")
        self._part(talk, seat, "transfer")
        self._tell(events.CallerCame(talk.caller, queue, to))
        self._changed(talk)

    # -- small things -------------------------------------------------------------------------

    def _turned(self, seat: str, before: tuple[State, ...], after: State) -> Code | None:
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if talk.state not in before:
            return "wrong_state"
        talk.turn(after)
        self._note("contact.held" if after == "held" else "contact.state", talk.ref, actor=seat)
        self._changed(talk)
        return None

    def _own(self, seat: str) -> Talk | None:
        """The conversation whose teller he is."""
        talk = self._talk_of(seat)
        return talk if talk is not None and talk.conversation.teller == seat else None

    def _talk_of(self, seat: str) -> Talk | None:
        """The conversation that he has a part in."""
        return next((talk for talk in self._talks.values() if seat in talk.parts), None)

    def _rung(self, seat: str) -> Talk | None:
        """The caller for whom he is rung."""
        return next((talk for talk in self._talks.values() if talk.ringing == seat), None)

    def _called_for(self, seat: str) -> Talk | None:
        """Whom he has called, or is to talk with, and who is not there yet."""
        return next((talk for talk in self._talks.values() if talk.calling == seat), None)

    def _line_of(self, seat: str) -> Line | None:
        """His line in a conversation, also while it rings."""
        lines = (talk.lines.get(seat) for talk in self._talks.values())
        return next((line for line in lines if line is not None), None)

    def _seat_named(self, to: str) -> Seat | None:
        kind, _, name = to.partition(":")
        return self._seats.get(name) if kind == "seat" else None

    def _none(self, seat: str) -> Code:
        return "no_call" if seat in self._seats else "no_seat"
