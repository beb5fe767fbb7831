"""A teller brings others into his call: he consults them, all three talk, the caller goes to them.
Each act returns why it was not done, or None."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from telebank.agents import events
from telebank.calls.faxes.tolls import Target
from telebank.calls.tellers.calling import Calling
from telebank.calls.tellers.conversation import State
from telebank.calls.tellers.talk import OUT, Seat, StillWanted, Talk
from telebank.calls.tellers.values import Code, Rung

CONSULT_S = 30.0
"""Seconds that somebody who is consulted is rung."""
Bring = Callable[[StillWanted], Coroutine[Any, Any, Rung]]
"""Brings somebody into a conversation, while he is wanted there."""


class Transfers(Calling):
    """Of one teller at a time, by the id of his seat."""

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
        self._consults(
            talk, other.id, partial(self._bring, talk, other.id, other.phone, CONSULT_S), other
        )
        return None

    def _consult_number(self, talk: Talk, seat: str, number: str) -> Code | None:
        target = self._target(number)
        if not isinstance(target, Target):
            return target
        party = f"{OUT}{target.masked}"
        self._consults(talk, party, partial(self._bring_number, talk, party, seat, number))
        return None

    def _consults(self, talk: Talk, party: str, bring: Bring, other: Seat | None = None) -> None:
        """Ring whom he wants to consult; `other`: it is this seat."""
        talk.conversation.other = party
        talk.turn("consulting")
        if other is not None:
            self._tell(events.TalkBegan(talk.ref, other.id))
            other.call = talk.ref
        wanted = talk.attempt(lambda: talk.conversation.other == party)
        self._spawn(self._consulted(talk, party, bring, wanted, other))
        self._changed(talk)

    async def _consulted(
        self, talk: Talk, party: str, bring: Bring, wanted: StillWanted, other: Seat | None
    ) -> None:
        if await bring(wanted) == "":
            talk.conversation.other_there = True
            if other is not None:
                self._take_part(talk, other)
            talk.arrange()
            self._changed(talk)
            return
        if wanted():
            talk.drop(party)
            talk.turn("talking")
            self._changed(talk)
        if other is not None:
            self._not_taken(talk, other)

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
        self._lets_go(talk, seat)
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

    def _lets_go(self, talk: Talk, seat: str) -> None:
        """The caller waits for whom he is sent to."""
        self._without_other(talk)
        self._recordings.end(talk)
        talk.turn("waiting")
        self._part(talk, seat, "transfer")

    def _send_on(self, talk: Talk, seat: str, queue: str, to: str) -> None:
        self._lets_go(talk, seat)
        self._tell(events.CallerCame(talk.caller, queue, to))
        self._changed(talk)

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
