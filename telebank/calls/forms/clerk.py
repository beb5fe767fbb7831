"""Does services for callers as tellers fill them in: quote, read-back, the caller's PIN, and once.

The money path is the callers' own (`transactions.processor`): the same quotes, limits, guards and
rows, with the channel `teller` and the teller's id. What was confirmed goes on when the caller
hangs up. Of an outcome that is not known nobody is offered a second try.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count

import structlog

from telebank.calls.edition import Edition
from telebank.calls.forms.callers import ServedCallers
from telebank.calls.forms.counter import Counter, Offer
from telebank.calls.forms.endings import advice, general
from telebank.calls.forms.filling import fill
from telebank.calls.forms.making import CURSOR
from telebank.calls.forms.model import Pair
from telebank.calls.forms.quoting import PROVE, Asking, Quoted
from telebank.calls.forms.slips import SLIP_S, Result, Slip, Slips
from telebank.calls.forms.terms import terms_of
from telebank.calls.forms.words import aloud, lines_of
from telebank.calls.tellers.hands import EntryEnded, Terms
from telebank.calls.tellers.served import Served
from telebank.calls.tellers.values import CallerPort
from telebank.flow.commands import Submit, Told
from transactions.inputs import MAX_TEXT
from transactions.proof import enough
from transactions.request import AuthLevel

log = structlog.get_logger("telebank.tellers")

VERIFIED = "verified"
_LEVELS = list(AuthLevel)
CLOSE_S = 5.0
RELEASES = 3
"""Whose forms are kept: live calls may be in older menus than new ones."""


class NotNow(Exception):  # noqa: N818 - reads as what it is
    """It cannot be done; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Clerk:
    """Of one node; `now` is monotonic seconds. What is told of raises `NotNow`."""

    def __init__(
        self,
        room: ServedCallers,
        now: Callable[[], float],
        token: Callable[[], str] = lambda: secrets.token_hex(12),
    ) -> None:
        self._room = room
        self._now = now
        self._token = token
        self._slips = Slips(self._fresh)
        self._numbers = count(1)
        self._counters: OrderedDict[str, Counter] = OrderedDict()
        self._tasks: dict[asyncio.Task[None], Slip] = {}
        self._asking: set[str] = set()
        """Seats whose form the host is asked about: of each one at a time."""

    async def close(self) -> None:
        """Wait a while for what was confirmed; its money is the processor's in any case."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
        for task in list(self._tasks):
            task.cancel()

    def over(self, call: str) -> None:
        """A call is no more with the tellers; what was confirmed goes on."""
        self._slips.over(call)

    # -- looking ------------------------------------------------------------------------------

    async def offer(self, seat: str, call: str, business: str = "") -> Offer:
        """The forms for a seat's caller, who was at this menu."""
        served = self._port(seat, call).served(seat)
        counter = await self._made(served.edition)
        last = self._slips.last(seat, call)
        return Offer(
            tuple(counter.forms.values()),
            served.level,
            counter.business.get(business, ""),
            None if last is None else self._fresh(last),
        )

    def slip(self, seat: str, call: str, slip: str) -> Slip:
        """One as it stands, also when the call is over."""
        found = self._slips.find(slip, seat, call)
        if found is None:
            raise NotNow("no_slip")
        return self._fresh(found)

    def left_s(self, slip: Slip) -> int:
        """Seconds in which it may still be confirmed."""
        return max(0, round(slip.until - self._now())) if slip.state == "open" else 0

    def _fresh(self, slip: Slip) -> Slip:
        """A PIN that was taken back confirms nothing."""
        if slip.state == "pin" and not self._room.in_pin(slip.call):
            slip.state, slip.entry = "open", "cancelled"
        return slip

    def _port(self, seat: str, call: str) -> CallerPort:
        port = self._room.caller_of(seat, call)
        if isinstance(port, str):
            raise NotNow(port)
        return port

    def _of(self, edition: Edition) -> Counter:
        """The forms of the menus that a caller is in; those of the last releases are kept."""
        found = self._counters.get(edition.hash)
        if found is not None:
            self._counters.move_to_end(edition.hash)
        else:
            found = self._counters[edition.hash] = Counter(edition)
            while len(self._counters) > RELEASES:
                self._counters.popitem(last=False)
        return found

    async def _made(self, edition: Edition) -> Counter:
        """With its forms, which take a tenth of a second once: calls go on meanwhile."""
        counter = self._of(edition)
        if not counter.ready:
            await asyncio.to_thread(counter.make)
        return counter

    # -- quote and read-back ------------------------------------------------------------------

    async def quote(
        self, seat: str, call: str, service: str, written: Mapping[str, str]
    ) -> Slip | Result | Mapping[str, Pair]:
        """What is to be read back; of what only tells, its answer; or what is wrong, by field."""
        if seat in self._asking:
            raise NotNow("asking")
        self._asking.add(seat)
        try:
            return await self._quote(seat, call, service, written)
        finally:
            self._asking.discard(seat)

    async def _quote(
        self, seat: str, call: str, service: str, written: Mapping[str, str]
    ) -> Slip | Result | Mapping[str, Pair]:
        served = self._port(seat, call).served(seat)
        counter = await self._made(served.edition)
        form = counter.forms.get(service)
        if form is None:
            raise NotNow("no_service")
        signs = AuthLevel.PIN if form.pin else form.level  # the rest he proves as he signs
        if not enough(served.level, min(signs, form.level, key=_LEVELS.index)):
            raise NotNow("second_factor" if enough(served.level, AuthLevel.PIN) else "not_proved")
        fields = {name: text for name, text in written.items() if name != CURSOR}
        filled = fill(form, fields, served.card)
        if filled.wrong:
            return filled.wrong
        inputs, cursor = dict(filled.inputs), written.get(CURSOR, "")
        if cursor and cursor.isprintable() and len(cursor) <= MAX_TEXT:
            inputs[CURSOR] = cursor
        visit = f"desk{next(self._numbers)}"
        self._room.served(seat, call, service=service, state="asked")
        factor = form.level is AuthLevel.SECOND_FACTOR  # as the menus: for each of them anew
        asking = Asking(form, served, counter, visit, factor)
        quoted = await asking.terms(inputs)
        self._port(seat, call)  # of whom he has no more he is told nothing, and nothing is kept
        return quoted if isinstance(quoted, Result) else self._read_back(seat, call, asking, quoted)

    def _read_back(self, seat: str, call: str, asking: Asking, quoted: Quoted) -> Slip:
        release, form = asking.counter.edition.release, asking.form
        terms = terms_of(form.backs, quoted.given, quoted.shown, again=quoted.again)
        if form.pin and not asking.counter.speaks(terms, asking.served.language):
            raise NotNow("no_terms")
        names = (*form.reads, *(name for name in form.rows if name not in form.reads))
        lines = tuple(lines_of(release, form, names, quoted.shown))
        slip = Slip(
            id=self._token(),
            visit=asking.visit,
            seat=seat,
            call=call,
            form=form,
            inputs=quoted.posted,
            shown=quoted.shown,
            card=asking.served.card,
            lines=lines,
            aloud=aloud(form, lines),
            terms=terms,
            again=quoted.again,
            until=self._now() + SLIP_S,
            factor=asking.factor or quoted.prove,
        )
        self._slips.keep(slip)
        return slip

    # -- the caller's word --------------------------------------------------------------------

    def confirm(self, seat: str, call: str, slip_id: str) -> Slip:
        """The caller wants it: where it moves something of his, read the terms to him and ask for
        his PIN, else do it. What is under way, or done, stays as it is."""
        port, slip = self._port(seat, call), self.slip(seat, call, slip_id)
        if slip.state != "open":
            return slip
        served = port.served(seat)
        if slip.until <= self._now():
            raise NotNow("slip_over")
        if served.card != slip.card:
            raise NotNow("other_customer" if served.card is not None else "not_proved")
        if not slip.form.pin:
            self._carry_out(slip, served, port)
            return slip
        terms = Terms(slip.terms, slip.factor)
        code = self._room.pin(seat, lambda ended: self._entered(slip, port, ended), terms)
        if code is not None:
            raise NotNow(code)
        slip.state, slip.entry = "pin", ""
        self._room.served(seat, call, service=slip.form.service, state="pin")
        return slip

    def _entered(self, slip: Slip, port: CallerPort, ended: EntryEnded) -> None:
        """What came of a PIN that was asked for this slip and for nothing else."""
        if slip.state != "pin":
            return
        proved = ended.proved
        if ended.exit != VERIFIED or proved is None or proved.customer != slip.card:
            slip.state, slip.entry = "open", ended.exit
            return
        if slip.factor and not enough(proved.level, AuthLevel.SECOND_FACTOR):
            slip.state, slip.entry = "open", "no_factor"
            return
        served = port.served(slip.seat)
        level = max(served.level, proved.level, key=_LEVELS.index)  # the menus learn it later
        self._carry_out(slip, replace(served, card=proved.customer, level=level), port)

    def _carry_out(self, slip: Slip, served: Served, port: CallerPort) -> None:
        slip.state, slip.entry = "working", ""
        self._room.served(slip.seat, slip.call, service=slip.form.service, state="confirmed")
        work = self._work(slip, served, port)
        task = asyncio.get_running_loop().create_task(work, name="desk service")
        self._tasks[task] = slip
        task.add_done_callback(self._worked)

    async def _work(self, slip: Slip, served: Served, port: CallerPort) -> None:
        form, counter = slip.form, self._of(served.edition)
        submit = Submit(slip.visit, form.service, slip.inputs, served.level, served.card)
        answer = await served.ask(submit)
        if answer.exit == PROVE and not slip.factor and not slip.over:
            self._prove_more(slip)
            return
        slip.result = counter.result(form, form.service, answer, slip.shown)
        slip.shown = {**slip.shown, **answer.data}
        slip.state = "done"
        slip.ended()
        detail = {"service": form.service, "state": "answered", "exit": answer.exit}
        self._room.served(slip.seat, slip.call, **detail, request=answer.request_id)
        if form.pin and self._room.caller_of(slip.seat, slip.call) is port:
            self._aloud(slip, port.served(slip.seat))

    def _prove_more(self, slip: Slip) -> None:
        """Nothing was done: its amount wants a second factor, and he signs it by that."""
        slip.visit = f"desk{next(self._numbers)}"
        slip.state, slip.factor, slip.entry = "open", True, PROVE
        slip.until = self._now() + SLIP_S

    def _worked(self, task: "asyncio.Task[None]") -> None:
        """Whatever broke, the row of the journal says what is true: nobody tries again."""
        slip = self._tasks.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("tellers.service_failed", call=slip.call, error=type(error).__name__)
        if slip.state == "working":
            slip.result = Result(
                "in_doubt",
                "in_doubt",
                general("money", "in_doubt"),
                advice=advice("money", "in_doubt"),
            )
            slip.state = "done"
            slip.ended()

    # -- the result is told -------------------------------------------------------------------

    def told(self, seat: str, call: str, slip_id: str) -> Slip:
        """The teller has told the caller the result, while he has him."""
        port, slip = self._port(seat, call), self.slip(seat, call, slip_id)
        served = port.served(seat)
        _same_customer(slip, served)
        self._tell(slip, served)
        return slip

    def say(self, seat: str, call: str, slip_id: str) -> Slip:
        """Have the machine tell it, in the words of the menus; heard to its end, it is told."""
        port, slip = self._port(seat, call), self.slip(seat, call, slip_id)
        served = port.served(seat)
        if self._room.in_pin(call):
            raise NotNow("wrong_state")
        _same_customer(slip, served)
        if not self._aloud(slip, served):
            raise NotNow("no_words")
        return slip

    def _aloud(self, slip: Slip, served: Served) -> bool:
        """Say the result of a slip to its caller; False: it cannot be said."""
        if self._room.in_pin(slip.call) or (slip.card is not None and served.card != slip.card):
            return False

        def said(to_its_end: bool) -> None:
            slip.saying = False
            self._room.telling(slip.call, on=False)
            if to_its_end:
                self._tell(slip, served)

        words = self._of(served.edition).spoken(slip)
        if not words or not served.say(words, said):
            return False
        if not slip.told:
            slip.saying = True
            self._room.telling(slip.call, on=True)
        return True

    @staticmethod
    def _tell(slip: Slip, served: Served) -> None:
        if slip.result is not None and not slip.told:
            slip.told = True
            served.told(Told(slip.visit, slip.result.exit))


def _same_customer(slip: Slip, served: Served) -> None:
    """Raise `NotNow` where a result is another's than of who is proved now."""
    if slip.card is not None and served.card != slip.card:
        raise NotNow("other_customer" if served.card is not None else "not_proved")
