"""The room of tellers, the inner half: it rings the lines of seats, and begins and ends
conversations. `telebank.calls.tellers.room` is the whole of it."""

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime

import structlog

from telebank import wire
from telebank.agents import commands, events
from telebank.calls.tellers.browser_line import BrowserLine
from telebank.calls.tellers.contacts import ended_contact, new_contact
from telebank.calls.tellers.conversation import Conversation
from telebank.calls.tellers.driving import SUPERVISOR, Driving
from telebank.calls.tellers.known import known
from telebank.calls.tellers.line import Line
from telebank.calls.tellers.phone_line import PhoneLine
from telebank.calls.tellers.recordings import BY_RULE
from telebank.calls.tellers.talk import OUT, Part, Seat, StillWanted, Talk
from telebank.calls.tellers.values import CallerPort, Ended, Rung, Wants

log = structlog.get_logger("telebank.tellers")

REMEMBERED = 10_000
"""Customers of whom it is known who talked with them last."""


class Ringing(Driving):
    """Callers who wait, seats that are rung, and how they come together and part."""

    @property
    def legs(self) -> int:
        """Calls of ours to tellers and to whom they call, those that ring too."""
        lines = (line for talk in self._talks.values() for line in talk.lines.values())
        return sum(line.called for line in lines) + sum(
            talk.port.called for talk in self._talks.values()
        )

    async def close(self) -> None:
        """Hang up every line; callers are their calls' own to end."""
        self._tell(events.NodeStopped())
        self._stop()
        for talk in self._talks.values():
            for person in list(talk.parts):
                self._part(talk, person, "drain")
            for party in list(talk.lines):
                talk.drop(party)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for seat in self._seats.values():
            if seat.browser is not None:
                seat.browser.close()

    def remember(self, last_seats: Mapping[str, str]) -> None:
        """By customer's token, who talked with him last, before this run of the node."""
        self._last_seat.update(last_seats)

    # -- callers ------------------------------------------------------------------------------

    def enqueue(self, port: CallerPort, wants: Wants) -> None:
        """A caller wants a teller; `port` is told what becomes of it, also before this returns."""
        said = self.records.of(wants.customer, wants.number)
        stands = known(self.options, said, wants.first_digits)
        caller = events.Caller(
            call=port.ref,
            skill=wants.skill,
            language=wants.language,
            priority=wants.priority,
            number=wants.number,
            called=wants.called,
            customer=wants.customer,
            business=wants.business,
            level=stands.level,
            own_seat=stands.own_seat,
            last_seat=self._last_seat.get(wants.customer, ""),
        )
        mixers = next(self._mixers), next(self._mixers)
        now = self._clock.now
        talk = Talk(port, caller, Conversation(*mixers), now(), now, self._dropped)
        self._talks[port.ref] = talk
        self._tell(events.CallerCame(caller))

    def taped(self, call: str, event: wire.CallRecorded) -> None:
        """A recording of his call is over, or failed."""
        if event.error and (talk := self._talks.get(call)) is not None:
            talk.recording = False
            self._changed(talk)
        self._recordings.over(event)

    def gone(self, call: str, how: Ended = "caller") -> None:
        """The caller has hung up, or his call was ended: by what."""
        talk = self._talks.pop(call, None)
        if talk is None:
            return
        for seat in list(talk.parts):
            self._part(talk, seat, how)
        for party in list(talk.lines):
            talk.drop(party)
        self._tell(events.CallerLeft(call))
        self.on_change("CallRow", call)

    # -- commands of the machine --------------------------------------------------------------

    def _obey_one(self, command: commands.Command) -> None:
        match command:
            case commands.Ring():
                self._ring(command)
            case commands.Unring():
                self._unring(command.call, command.seat)
            case commands.Wait():
                self._waits(command)
            case commands.Announce():
                self._announce(command)
            case commands.Dismiss():
                self._dismiss(command)
            case commands.CallBack():
                self._call_back(command)
            case commands.SeatMoved():
                self._seat_moved(command)
            case commands.Noted():
                self._noted(command)

    def _dropped(self, party: str) -> None:
        """A party's line is no more in a conversation."""

    @abstractmethod
    def _announce(self, what: commands.Announce) -> None:
        """Say it to a caller who waits."""

    @abstractmethod
    def _call_back(self, command: commands.CallBack) -> None:
        """Call somebody who kept his place."""

    def _noted(self, command: commands.Noted) -> None:
        self._write(command.kind, command.call, "system", dict(command.detail))

    def _waits(self, command: commands.Wait) -> None:
        talk = self._talks.get(command.call)
        if talk is None:
            return
        talk.queue = command.queue
        talk.turn("waiting")
        self._changed(talk)

    def _dismiss(self, command: commands.Dismiss) -> None:
        talk = self._talks.pop(command.call, None)
        if talk is not None:
            talk.port.leave()
            talk.port.leaves_by(command.exit)
            self.on_change("CallRow", command.call)

    def _seat_moved(self, command: commands.SeatMoved) -> None:
        seat = self._seats.get(command.seat)
        if seat is None:
            return
        now = self._clock.now()
        if seat.wrapping and seat.state == "wrap_up" and self.keeper is not None:
            self.keeper.wrapped(seat.wrapping, round((now - seat.since).total_seconds()))
        if command.state != "wrap_up":
            seat.wrapping = ""
        seat.state, seat.reason, seat.since = command.state, command.reason, now
        if command.state not in ("ringing", "talking"):
            seat.call = ""
        kind = "seat.left" if command.state == "offline" else "seat.state"
        self._note(
            "seat.forced" if command.by and kind == "seat.state" else kind,
            command.call,
            actor=command.by or command.seat,
            role=SUPERVISOR if command.by else "teller",
            seat=command.seat,
            state=command.state,
            reason=command.reason,
        )
        if command.state == "offline":
            del self._seats[command.seat]
            if seat.browser is not None:
                seat.browser.close()
        self.on_change("SeatRow", command.seat)

    # -- ringing ------------------------------------------------------------------------------

    def _ring(self, ring: commands.Ring) -> None:
        talk, seat = self._talks.get(ring.call), self._seats.get(ring.seat)
        if talk is None or seat is None:
            self._tell(events.OfferFailed(ring.call, ring.seat, "unreachable"))
            return
        talk.ringing, seat.call = seat.id, talk.ref
        talk.turn("ringing")
        self._changed(talk)
        wanted = talk.attempt(lambda: talk.ringing == seat.id)
        self._spawn(self._offer(talk, seat, ring.seconds, wanted))

    async def _offer(self, talk: Talk, seat: Seat, seconds: float, wanted: StillWanted) -> None:
        rung = await self._bring(talk, seat.id, seat.phone, seconds, wanted)
        if rung == "gone":
            return
        talk.ringing = ""
        if rung:
            talk.drop(seat.id)
            talk.turn("waiting")
            self._changed(talk)
            self._tell(events.OfferFailed(talk.ref, seat.id, rung))
            return
        self._begin(talk, seat)
        self._tell(events.OfferTaken(talk.ref, seat.id))

    async def _bring(
        self,
        talk: Talk,
        party: str,
        phone: str,
        seconds: float,
        wanted: StillWanted,
        *,
        asked: bool = False,
    ) -> Rung:
        """Ring a phone for a part in a conversation; answered, its line is in `talk.lines`. Who is
        not `wanted` any more is `gone`. `asked`: its owner wants it himself, so that a browser
        need not ring."""
        if not wanted():
            return "gone"
        line = self._line(talk, party, phone, asked=asked)
        talk.put(party, line)
        rung = await line.ring(talk.port.shown, talk.port.channel, seconds)
        if wanted():
            return rung
        talk.drop(party, line)
        return "gone"

    def _line(self, talk: Talk, party: str, phone: str, *, asked: bool) -> Line:
        def gone(lost: bool) -> None:
            self._line_gone(talk, party, "lost" if lost else "teller")

        def lost() -> None:
            self._line_gone(talk, party, "lost")

        def moved() -> None:
            talk.conversation.replaced(party)
            talk.arrange()

        def held(now: bool) -> None:
            self._phone_held(talk, party, now)

        seat = self._seats.get(party)
        if seat is not None and seat.browser is not None:
            partner = lambda: talk.port.channel  # noqa: E731 - it changes with a call back
            return BrowserLine(seat.browser, partner, lost, moved, asked=asked)
        return PhoneLine(self._shell, self._phones.phone_ways(phone), gone, held)

    def _unring(self, call: str, seat_id: str) -> None:
        talk = self._talks.get(call)
        if talk is None or talk.ringing != seat_id:
            return
        talk.ringing = ""
        talk.drop(seat_id)
        talk.turn("waiting")
        self._changed(talk)

    # -- conversations ------------------------------------------------------------------------

    def _begin(self, talk: Talk, seat: Seat) -> None:
        """A seat's line is there: it has the caller from now on."""
        rung = talk.since
        talk.conversation.teller = seat.id
        talk.turn("talking")
        self._take_part(talk, seat, rung)
        queue = self._queues.get(talk.queue)
        if queue is not None and queue.record:
            self._recordings.begin(talk, seat.id, BY_RULE, self._clock.now())
            self._changed(talk)

    def _take_part(self, talk: Talk, seat: Seat, rung: datetime | None = None) -> None:
        """`rung`: since when he was; None: that does not count."""
        now = self._shell.endpoint.now()
        seat.call = talk.ref
        contact = f"{talk.ref}.{next(self._contacts)}"
        talk.parts[seat.id] = Part(contact, now, talk.held_s)
        if self.keeper is not None:
            self.keeper.begun(new_contact(talk, seat.id, contact, rung))
        if talk.caller.customer:
            self._last_seat[talk.caller.customer] = seat.id
            self._last_seat.move_to_end(talk.caller.customer)
            while len(self._last_seat) > REMEMBERED:
                self._last_seat.popitem(last=False)
        self._note("contact.begun", talk.ref, actor=seat.id, seat=seat.id, queue=talk.queue)
        self._changed(talk)

    def _part(self, talk: Talk, seat_id: str, how: Ended) -> None:
        """A seat is out of the conversation, which may go on without it; who watched it is too."""
        if seat_id == talk.conversation.teller:
            for watcher in list(talk.conversation.watchers):
                talk.drop(watcher)
                self.on_change("SeatRow", seat_id)
        talk.drop(seat_id)
        part = talk.parts.pop(seat_id, None)
        if part is None:
            return
        seconds = self._shell.endpoint.now() - part.began_at
        if (seat := self._seats.get(seat_id)) is not None:
            seat.wrapping = part.contact
        self._note(
            "contact.ended",
            talk.ref,
            actor=seat_id,
            seat=seat_id,
            seconds=round(seconds, 1),
            how=how,
        )
        if self.keeper is not None:
            self.keeper.ended(ended_contact(talk, part, how))
        self._tell(events.TalkEnded(talk.ref, seat_id))

    def _line_gone(self, talk: Talk, party: str, how: Ended = "teller") -> None:
        """A party's phone has hung up, or is lost."""
        self._leaves(talk, party, how)

    def _leaves(self, talk: Talk, party: str, how: Ended) -> None:
        """A party goes: who is left goes on, or the caller's conversation is over."""
        conversation = talk.conversation
        if party == conversation.teller and conversation.other_there:
            self._part(talk, party, how)
            self._promote(talk)
        elif party == conversation.teller:
            self._part(talk, party, how)
            self._over(talk)
        elif party == conversation.other:
            self._part(talk, party, how)
            talk.turn("talking")
            self._changed(talk)
        else:
            talk.drop(party)
            talk.arrange()
            self._changed(talk)

    def _promote(self, talk: Talk) -> None:
        """Whom the teller consulted has the caller now."""
        conversation = talk.conversation
        conversation.teller, conversation.other = conversation.other, ""
        conversation.other_there = False
        if conversation.teller.startswith(OUT):
            self._recordings.end(talk)  # what is said now is none of the bank's
        talk.turn("talking")
        self._changed(talk)

    def _over(self, talk: Talk) -> None:
        """No teller is left: the caller goes where his queue says."""
        queue = self._queues.get(talk.queue)
        if queue is not None and queue.after == "menu":
            self._release(talk)
            talk.port.leaves_by("done")
        else:
            self._release(talk)
            talk.port.goodbye()

    def _release(self, talk: Talk) -> None:
        """The caller is no more with the tellers."""
        self._talks.pop(talk.ref, None)
        self._recordings.end(talk)
        for party in list(talk.lines):
            talk.drop(party)
        talk.port.leave()
        self._tell(events.CallerLeft(talk.ref))
        self.on_change("CallRow", talk.ref)

    def _phone_held(self, talk: Talk, party: str, held: bool) -> None:
        """A teller's phone holds us: so does he the caller."""
        if party != talk.conversation.teller:
            return
        if held and talk.state == "talking":
            talk.turn("held")
        elif not held and talk.state == "held":
            talk.turn("talking")
        self._changed(talk)
