"""What a supervisor does: he listens to a seat, whispers to it, barges in, takes its caller.

Each act returns why it was not done, or None; whether he may is for control to say."""

import asyncio

from telebank.agents import events
from telebank.agents.events import Wanted
from telebank.calls.tellers.acts import Acts
from telebank.calls.tellers.conversation import Watching
from telebank.calls.tellers.driving import SUPERVISOR
from telebank.calls.tellers.line import Line
from telebank.calls.tellers.recordings import BY_RULE
from telebank.calls.tellers.talk import Talk
from telebank.calls.tellers.values import Code

WATCH_S = 30.0
"""Seconds that a supervisor's phone is rung."""
LISTENING = "listening"
"""Why a seat is busy whose person listens to another."""


class Floor(Acts):
    """`by` is the person who acts; his phone is that of his desk, else the one given."""

    def monitor(self, by: str, seat: str, phone: str = "") -> Code | None:
        """He hears what the teller and the caller say, and leaves no trace in it."""
        return self._watch(by, seat, "monitor", phone)

    def whisper(self, by: str, seat: str, phone: str = "") -> Code | None:
        """The teller hears him too, and the caller does not."""
        return self._watch(by, seat, "whisper", phone)

    def barge(self, by: str, seat: str, phone: str = "") -> Code | None:
        """Both hear him."""
        return self._watch(by, seat, "barge", phone)

    def stop(self, by: str, seat: str = "") -> Code | None:
        """He listens no more."""
        found = self._watched_by(by)
        if found is None:
            return "no_call"
        teller = found.conversation.teller
        found.drop(by)
        found.arrange()
        self._act("stop", found, by, seat or teller)
        self.on_change("SeatRow", teller)
        return None

    def intercept(self, by: str, seat: str) -> Code | None:
        """He takes the caller; who listens already and sits at a desk can."""
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        own = self._seats.get(by)
        if by not in talk.conversation.watchers or talk.state == "pin":
            return "wrong_state"
        if own is None:
            return "no_seat"
        if self._busy(by, but=talk):
            return "wrong_state"
        self._act("intercept", talk, by, seat)
        self._without_other(talk)
        del talk.conversation.watchers[by]
        self._part(talk, seat, "intercept")
        talk.conversation.teller = by
        talk.turn("talking")
        listened = own.reason == LISTENING
        self._tell(events.TalkBegan(talk.ref, by))
        if listened:  # what follows the call is what he was at before he listened
            self._tell(events.SeatWanted(by, "ready"))
        self._take_part(talk, own)
        return None

    def force(self, by: str, seat: str, state: Wanted, reason: str = "") -> Code | None:
        """The seat is to be ready, busy or at a break, whatever the teller chose."""
        return self.want(seat, state, reason, by)

    def force_out(self, by: str, seat: str) -> Code | None:
        """The seat is logged out."""
        return self.leave(seat, by)

    def record(self, by: str, seat: str, *, on: bool) -> Code | None:
        """Record the seat's call from now on, or no more; what its queue records goes on."""
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if on == talk.recording or (not on and talk.recorded_by == BY_RULE) or talk.state == "pin":
            return "wrong_state"
        if on and not self._recordings.begin(talk, seat, by, self._clock.now()):
            return "wrong_state"
        if not on:
            self._recordings.end(talk)
        self._act("record", talk, by, seat, on=on)
        self._changed(talk)
        return None

    def _act(self, name: str, talk: Talk, by: str, seat: str, **detail: str | bool) -> None:
        """A line for the event log."""
        self._note(f"floor.{name}", talk.ref, by, SUPERVISOR, seat=seat, **detail)

    # -- inside -------------------------------------------------------------------------------

    def _watch(self, by: str, seat: str, how: Watching, phone: str) -> Code | None:
        talk = self._own(seat)
        if talk is None:
            return self._none(seat)
        if by in talk.parts or by == seat:
            return "wrong_state"
        watched = self._watched_by(by)
        if watched is talk:
            self._turn_watch(talk, by, how)
            return None
        own = self._seats.get(by)
        extension = own.phone if own is not None else phone
        if self._busy(by):
            return "wrong_state"
        in_browser = own is not None and own.browser is not None
        if not in_browser and not self._phones.phone_ways(extension):
            return "no_phone"
        if own is not None and own.state == "ready":  # nobody is rung where the line is in use
            self._tell(events.SeatWanted(by, "busy", LISTENING))
        line = self._line(talk, by, extension, asked=True)
        talk.put(by, line)
        self._spawn(self._listen(talk, by, line, how, extension))
        return None

    def _dropped(self, party: str) -> None:
        """See `Ringing`; who listened and was ready is so again, once all is done that is under
        way."""
        seat = self._seats.get(party)
        if seat is not None and seat.reason == LISTENING:
            asyncio.get_running_loop().call_soon(self._listens_no_more, party)

    def _listens_no_more(self, by: str) -> None:
        seat = self._seats.get(by)
        listens = any(by in talk.lines for talk in self._talks.values())
        if seat is not None and (seat.state, seat.reason) == ("busy", LISTENING) and not listens:
            self._tell(events.SeatWanted(by, "ready"))

    async def _listen(self, talk: Talk, by: str, line: Line, how: Watching, phone: str) -> None:
        """The line is no part before it is answered: what it is to be is set then."""
        seat = talk.conversation.teller
        rung = await line.ring(talk.port.shown, talk.port.channel, WATCH_S)
        if rung == "" and seat and talk.conversation.teller == seat:
            self._turn_watch(talk, by, how, phone=phone)
        else:
            talk.drop(by, line)

    def _turn_watch(self, talk: Talk, by: str, how: Watching, **detail: str) -> None:
        talk.conversation.watchers[by] = how
        talk.arrange()
        teller = talk.conversation.teller
        self._act(how, talk, by, teller, **detail)
        self.on_change("SeatRow", teller)

    def _watched_by(self, by: str) -> Talk | None:
        there = (talk for talk in self._talks.values() if by in talk.conversation.watchers)
        return next(there, None)
