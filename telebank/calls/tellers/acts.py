"""What a teller does with his call and his seat. Each act returns why it was not done, or None."""

from collections.abc import Callable

from telebank.agents import events
from telebank.agents.events import Wanted
from telebank.calls.tellers.browser_phone import BROWSER, BrowserPhone, OfferRefused
from telebank.calls.tellers.hands import EntryEnded, Listener, Terms
from telebank.calls.tellers.talk import Seat, Talk
from telebank.calls.tellers.transfers import Transfers
from telebank.calls.tellers.values import CallerPort, Code

Then = Callable[[EntryEnded], None]
Enter = Callable[[CallerPort, Listener], bool]
PIN, UNLOCK = "contact.pin", "contact.unlock"
"""Kinds of events: a PIN was asked for, or what unlocks one; and what came of it."""


def nothing(_ended: EntryEnded) -> None:
    """What follows a PIN that was asked for no service."""


class Acts(Transfers):
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

    def learn(self, person: str, name: str, skills: dict[str, int], days: int = 10_000) -> None:
        """What he can do by now; of one who goes when his call is over it counts no more."""
        found, view = self._seats.get(person), self._machine.seat(person)
        if found is None or view is None or view.next_state == "offline":
            return
        found.name = name
        self._tell(events.SeatEntered(person, name, skills, days))
        self.on_change("SeatRow", person)

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
        """The caller is back, also from a PIN that he has not entered: once he keys no more, since
        tones of the rest of it could be heard and recorded."""
        talk = self._own(seat)
        if talk is not None and talk.state == "pin":
            talk.port.take_back(self.options.quiet_s)
            return None
        return self._turned(seat, ("held",), "talking")

    # -- his PIN ------------------------------------------------------------------------------

    def pin(self, seat: str, then: Then = nothing, terms: Terms | None = None) -> Code | None:
        """The caller keys his PIN: nobody hears him, nothing is recorded, and the menus take it.
        `terms`: he signs them by it, and the machine reads them to him first. `then` takes what
        came of it, unless he or the teller is gone by then."""
        return self._keys(seat, PIN, lambda port, heard: port.enter_pin(heard, terms), then)

    def unlock(self, seat: str) -> Code | None:
        """The caller keys what unlocks his PIN: as unheard, and it proves him to nobody."""
        return self._keys(seat, UNLOCK, lambda port, heard: port.enter_unlock(heard, seat))

    def _keys(self, seat: str, kind: str, enter: Enter, then: Then = nothing) -> Code | None:
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if talk.state != "talking":
            return "wrong_state"
        self._recordings.pause(talk, paused=True)
        talk.pin = talk.pin_result = ""
        talk.tries_left = None
        talk.keys = kind
        talk.turn("pin")

        def keyed(text: str, step: str, left: int | None) -> None:
            if (talk.pin, talk.step, talk.tries_left) != (text, step, left):
                talk.pin, talk.step, talk.tries_left = text, step, left
                self._changed(talk)

        def over(ended: EntryEnded) -> None:
            if talk.state == "pin" and self._own(seat) is talk:
                self._back_from_pin(talk, seat, ended)
                then(ended)

        if not enter(talk.port, Listener(keyed, over)):
            talk.pin = talk.step = ""
            self._recordings.pause(talk, paused=False)
            talk.turn("talking")
            return "wrong_state"
        self._note(kind, talk.ref, actor=seat, state="asked")
        self._changed(talk)
        return None

    def _back_from_pin(self, talk: Talk, seat: str, ended: EntryEnded) -> None:
        talk.pin, talk.step, talk.pin_result = "", "", ended.exit
        talk.tries_left = ended.left
        self._recordings.pause(talk, paused=False)
        talk.turn("talking")
        self._note(talk.keys, talk.ref, actor=seat, state=ended.exit)
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
