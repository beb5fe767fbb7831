"""The rules that a centre keeps, whatever it is told: looked at after each step that has news, and
seldomer in a crowd."""

from collections import Counter

from telebank.agents.centre import Centre
from telebank.agents.commands import (
    Announce,
    CallBack,
    Command,
    Dismiss,
    Noted,
    Ring,
    SeatMoved,
    Unring,
    Wait,
)
from telebank.agents.core import CALL, OF_SEAT, RING, SEAT, WRAP
from telebank.agents.events import Event, OfferTaken, TalkBegan
from telebank.agents.line_up import Need, Standing
from telebank.agents.seats import MOVES, WORKING, SeatState

DAY_S = 86_400.0
SELDOM = 50
"""Steps of which one is compared with everything where time brings announcements alone: a thousand
callers who wait for hours are told hundreds of thousands."""
CROWD = 100
"""With so many callers more, one step more passes until everything is compared."""


class Broken(AssertionError):  # noqa: N818 - reads as what it is
    """A rule that does not hold."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule.partition("\n")[0].partition(":")[0]


def must(holds: bool, rule: str, what: object = "") -> None:
    """Raise `Broken` where it does not; the rule is what stands before the colon."""
    if not holds:
        raise Broken(f"{rule}: {what}")


class Watch:
    """Plays the shell: believes commands alone, and compares."""

    def __init__(self, centre: Centre) -> None:
        self._centre, self._core = centre, centre._core
        self.states: dict[str, str] = {}
        """Of seats, as they were told."""
        self.offers: dict[str, str] = {}
        """Call by seat: what rings, or is held for a call-back."""
        self._inside: set[str] = set()
        """Callers who came in and have not left."""
        self._served: set[str] = set()
        """Whose offer was taken since they came in last."""
        self.ends: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        """Commands by their kind."""
        self._unseen = 0
        """Steps since everything was compared."""

    # -- steps ------------------------------------------------------------------------------------

    def step(self, event: Event | None, now: float) -> list[Command]:
        """One event, or what is due; then all rules."""
        talked = False
        if event is None:
            commands = self._centre.wake(now)
            wake_at = self._centre.wake_at
            must(wake_at is None or wake_at > now, "wake_at is not in the past", wake_at)
        else:
            talked = isinstance(event, OfferTaken | TalkBegan) and self._talk(event)
            commands = self._centre.receive(event, now)
        for command in commands:
            self.told[type(command).__name__] += 1
            self._hears(command)
        if isinstance(event, OfferTaken | TalkBegan):
            self._talks(event, commands, talked=talked)
        self._unseen += 1
        news = event is not None or any(not isinstance(one, Announce) for one in commands)
        if self._unseen >= (len(self._inside) // CROWD if news else SELDOM):
            self._unseen = 0
            self._compare()
        return commands

    @property
    def wake_at(self) -> float | None:
        """As of the centre: whoever drives one can drive this."""
        return self._centre.wake_at

    def receive(self, event: Event, now: float) -> list[Command]:
        """As of the centre, looked at."""
        return self.step(event, now)

    def wake(self, now: float) -> list[Command]:
        """As of the centre, looked at."""
        return self.step(None, now)

    def pass_until(self, now: float) -> None:
        """Wake whenever it is due."""
        while (at := self._centre.wake_at) is not None and at <= now:
            self.step(None, at)

    def rest(self, now: float) -> None:
        """Nobody says anything any more: everything that waits for somebody ends by itself."""
        self.pass_until(now + DAY_S)
        must(not self._core.callers, "every caller leaves", list(self._core.callers))
        stuck = [one for one in self._centre.seats() if one.state != "talking"]
        must(not stuck, "no seat is stuck", stuck)
        must(not self._inside, "every caller is said to have left", self._inside)

    # -- what it says -----------------------------------------------------------------------------

    def _hears(self, command: Command) -> None:
        match command:
            case SeatMoved():
                self._moved(command)
            case Ring(call, seat):
                must(self.states.get(seat) == "ringing", "who is rung was ready", command)
                must(self.offers.get(seat, call) == call, "a seat rings for one", command)
                others = [one for one, rung in self.offers.items() if rung == call and one != seat]
                must(not others, "a caller is offered to one", (command, others))
                self.offers[seat] = call
            case CallBack(call, seat):
                must(call not in self.offers.values(), "a caller is offered to one", command)
                self.offers[seat] = call
            case Unring(call, seat):
                if self.offers.get(seat) == call:
                    del self.offers[seat]
            case Announce(call) | Wait(call):
                must(call in self._inside or isinstance(command, Wait), "told inside", command)
            case Dismiss(call):
                must(call not in self._inside, "leaves before he is dismissed", command)
            case Noted("queue.entered", call):
                must(call not in self._inside, "enters once", command)
                self._inside.add(call)
                self._served.discard(call)
            case Noted("queue.left", call, detail):
                self.ends[str(detail["how"])] += 1
                must(call in self._inside, "leaves once", command)
                self._inside.discard(call)
            case Noted():
                pass

    def _moved(self, command: SeatMoved) -> None:
        if command.reason == "full":
            return
        before = SeatState(self.states.get(command.seat, "offline"))
        must(SeatState(command.state) in MOVES[before], "a move of the table", (before, command))
        if command.state == "ringing":
            must(before == "ready", "offered to who is ready", command)
        else:
            self.offers.pop(command.seat, None)
        self.states[command.seat] = command.state
        if command.state == "offline":
            del self.states[command.seat]

    def _talk(self, event: OfferTaken | TalkBegan) -> bool:
        seat = self._core.seats.get(event.seat)
        return seat is not None and event.call in seat.calls

    def _talks(
        self, event: OfferTaken | TalkBegan, commands: list[Command], *, talked: bool
    ) -> None:
        """Whoever takes an offer that is not his, or stands no more, is told to drop the line."""
        if not self._talk(event):
            dropped = isinstance(event, TalkBegan) or Unring(event.call, event.seat) in commands
            must(dropped, "a late line is dropped", event)
            return
        ringing = [seat for seat, call in self.offers.items() if call == event.call]
        must(not ringing, "who talks rings nowhere", (event, ringing))
        if isinstance(event, OfferTaken) and not talked:
            must(event.call not in self._served, "served once", event)
            self._served.add(event.call)

    # -- how it stands ----------------------------------------------------------------------------

    def _compare(self) -> None:
        core = self._core
        told = {seat.id: seat.state.value for seat in core.seats.values()}
        must(told == self.states, "seats are as they were said to be", (told, self.states))
        for seat in core.seats.values():
            ready = seat.state is SeatState.READY
            must((seat.id in core.ready) == ready, "ready ones are known", seat.id)
            rings = seat.state is SeatState.RINGING
            must((seat.id in self.offers) == rings, "ringing seats have an offer", seat.id)
            must(bool(seat.calls) == (seat.state is SeatState.TALKING), "talks have calls", seat.id)
            timers = {name for name in OF_SEAT if ((SEAT, seat.id), name) in core.timers._live}
            must((RING in timers) == rings, "ringing ends by itself", seat.id)
            wraps = seat.state is SeatState.WRAP_UP
            must((WRAP in timers) == wraps, "wrap-up ends by itself", seat.id)
        self._look_at_callers()
        self._look_at_lines()

    def _look_at_callers(self) -> None:
        core = self._core
        counts: Counter[tuple[str, bool]] = Counter()
        owners = {owner for owner, _ in core.timers._live}
        for waiting in core.callers.values():
            offered = waiting.standing is Standing.OFFERED
            seat = core.seats.get(waiting.seat)
            rung = seat is not None and (seat.state, seat.call) == (SeatState.RINGING, waiting.call)
            must(offered == rung, "offers are mutual", waiting.call)
            must(waiting.standing is not Standing.MOVING, "nobody is left between", waiting.call)
            must((CALL, waiting.call) in owners, "waiting ends by itself", waiting.call)
            if waiting.standing is not Standing.CHOOSING:
                counts[waiting.need.queue, waiting.call_back] += 1
        must(counts == +core.counts, "counts are right", (counts, core.counts))

    def _look_at_lines(self) -> None:
        core, level = self._core, self._core.serving.level
        standing = {one.call for one in core.callers.values() if one.standing == "waiting"}
        lined = [entry[2].call for line in core.lines for entry in line.entries]
        must(sorted(lined) == sorted(standing), "each who waits stands in one line", lined)
        named = {call for calls in core.naming.values() for call in calls}
        must(named <= standing, "who is named stands in a line", named - standing)
        for line in core.lines:
            keys = [entry[:2] for entry in line.entries]
            must(keys == sorted(keys), "lines are in order", line.need)
            self._look_at_crew(line.need)
            able = [seat.id for seat in core.ready.values() if level(seat, line.need)]
            must(not able, "nobody waits for whom a seat is ready", (line.need, able))
            alone = not core.on_duty(line.need)
            people = [entry[2].call for entry in line.entries if not entry[2].call_back]
            must(not (alone and people), "nobody waits for nobody", (line.need, people))

    def _look_at_crew(self, need: Need) -> None:
        core, level = self._core, self._core.serving.level
        seats = [seat for seat in core.seats.values() if level(seat, need)]
        there = any(seat.takes for seat in seats)
        must(core.crew.on_duty(need) == there, "who is on duty is remembered right", need)
        works = {seat.id for seat in seats if seat.takes and seat.state in WORKING}
        must(core.crew.at_work(need) == works, "who works is remembered right", need)
