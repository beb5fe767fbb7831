"""The room of tellers places calls to numbers: each is judged by `[outbound]`, counted, prolonged
while the day has something left for it, and ended when it has not."""

import structlog

from telebank.agents import events
from telebank.agents.events import Failure
from telebank.calls.dialling import Dialled, Dialling
from telebank.calls.faxes.tolls import Refusal, Target
from telebank.calls.services import PlacedCall
from telebank.calls.tellers.customer import Customer
from telebank.calls.tellers.customer_line import RINGS_S, CustomerLine
from telebank.calls.tellers.ringing import Ringing
from telebank.calls.tellers.talk import OUT, Seat, StillWanted, Talk
from telebank.calls.tellers.values import CAPS, Code, Ended, Rung

log = structlog.get_logger("telebank.tellers")

Reached = Failure | str
"""Why somebody was not reached; empty: he is there."""


class CallsOut(Ringing):
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
    def _judges_answers(self) -> bool:
        """Whether it is listened to who answers a call-back."""
        return self.dialling is not None and self.dialling.judges_answers

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
        return code_of(found) if isinstance(found, Refusal) else found

    # -- calls --------------------------------------------------------------------------------

    def _customer_line(self, talk: Talk, dialled: Dialled) -> CustomerLine:
        """To the caller of a conversation, who is one that we call."""
        assert self.dialling is not None
        assert isinstance(talk.port, Customer)
        customer = talk.port

        def gone(lost: bool) -> None:
            self._customer_gone(talk, customer, "lost" if lost else "caller")

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

    def _not_wanted(self, talk: Talk, seat: str, why: Failure = "declined") -> None:
        """A teller does not want whom he had called, or may not have him."""
        self._not_called(talk, seat, why)

    def _not_called(self, talk: Talk, seat: str, why: Reached) -> None:
        self._give_up(talk, seat)
        self._talks.pop(talk.ref, None)
        if (found := self._seats.get(seat)) is not None:
            found.not_called = why
        self._note("call.failed", talk.ref, actor=seat, why=why)
        self._tell(events.TalkEnded(talk.ref, seat))
        self._tell(events.WrappedUp(seat))
        self.on_change("CallRow", talk.ref)

    def _give_up(self, talk: Talk, seat: str) -> None:
        talk.calling = ""
        if isinstance(talk.port, Customer):
            talk.port.hang_up()
        talk.drop(seat)
        talk.turn("kept")

    def _customer_gone(self, talk: Talk, customer: Customer, how: Ended) -> None:
        """Whom we called has hung up, or his line is lost."""
        customer.gone()
        if not talk.calling and self._talks.get(talk.ref) is talk:
            self.gone(talk.ref, how)

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

        def gone(lost: bool) -> None:
            self._line_gone(talk, party, "lost" if lost else "teller")

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


def code_of(refusal: Refusal) -> Code:
    """How a refusal is told to a teller: caps by their own names, what no rule allows as one."""
    return next((cap for cap in CAPS if cap == refusal.rule), "unknown_target")
