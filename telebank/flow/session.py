"""The machine that runs a menu tree for one caller: events in, commands out, no I/O, no clock.

Every method runs on to the next thing to wait for: the end of a prompt, a key, or an answer.
"""

from typing import assert_never

from telebank.flow import state as states
from telebank.flow.answering import Answering
from telebank.flow.commands import Command, Listen, Told
from telebank.flow.entry import Again, Chosen, Completed, Invalid, More, Verdict, choose, take
from telebank.flow.entry import timed_out as entry_timed_out
from telebank.flow.events import (
    Event,
    HungUp,
    KeyPressed,
    PlayEnded,
    ServiceAnswered,
    Started,
)
from telebank.flow.memory import Memory
from telebank.flow.model import (
    ABILITIES,
    ABLE,
    IN_WRITING,
    AskingNode,
    Call,
    Collect,
    Confirm,
    Exit,
    Fax,
    Menu,
)
from telebank.flow.options import KEYS, MAX_PICKED_ROWS, FlowOptions
from telebank.flow.release import Release
from telebank.flow.speech import parts_of
from telebank.flow.state import Frame, Phase
from telebank.flow.vault import Vault
from telebank.flow.walk import IllegalEvent
from transactions.outcome import Row, Unknown, Value, Values
from transactions.request import Language
from transactions.secret import Secret

PICKS = "".join(str(number) for number in range(1, MAX_PICKED_ROWS + 1))
"""Keys that may choose a row."""
TOKENS = 1_000_000
"""What the call's own session says has lower tokens, and each one beside it a range so long."""


class Session(Answering):
    """One caller in one release. `vault` holds his card numbers and secrets."""

    _dumped: tuple[str, ...] = ()

    # -- what the driver sees -----------------------------------------------------------------

    @property
    def language(self) -> Language:
        """The language the caller hears."""
        return self._state.language

    def says_menu(self, token: int) -> bool:
        """Whether this `Say` is a menu's that tells no result: something may go before it."""
        state = self._state
        return state.playing == token and isinstance(self._node(), Menu) and not state.telling

    @property
    def wake_at(self) -> float | None:
        """Monotonic seconds at which `wake` is due; None while only an answer can go on."""
        due = [at for at in (self._state.timer, self._state.answer_by) if at is not None]
        if self._guardable():
            due.append(self._state.guard_at)
        return min(due, default=None)

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one event; `now` is monotonic seconds and never goes back."""
        if self.phase is Phase.ENDED:
            return []
        starting = isinstance(event, Started)
        if not isinstance(event, HungUp) and (self.phase is Phase.NEW) != starting:
            raise IllegalEvent(f"{type(event).__name__} while {self.phase}")
        self._now = now
        self._handle(event)
        return self._finish()

    def wake(self, now: float) -> list[Command]:
        """Do what is due at `now`; nothing where it is too early."""
        self._now = now
        at = self.wake_at
        if at is not None and now >= at:
            self._due()
        return self._finish()

    def beside(self, flow: str, carried: Values, language: Language | None = None) -> "Session":
        """A session of its own at `flow`, while this one waits for its queue's answer: the PIN
        that a teller asks for.

        It speaks this caller's language (or the one given) at his pace, begins with the variables
        `carried`, and nobody has proved himself in it. Give it `Started()`, then his keys, what was
        played and what services answered, as any; what it asks is unique in the call, and so are
        its tokens.
        It ends by `Ended`, never by a hang-up. Where that has a customer, give this session
        `Proved` with what it says. To take it back give it `HungUp`; it then says no more.

        Raises `ValueError` where the release has no such flow, or `carried` lacks what it needs.
        """
        wanted = self.release.flows.get(flow)
        lacking = [name for name in wanted.needs if name not in carried] if wanted else []
        if wanted is None or lacking:
            raise ValueError(f"flow {flow}: " + (f"needs {lacking}" if wanted else "not there"))
        mine = self._state
        mine.asides += 1
        mine.listening = None  # the other session says whether keys are secret meanwhile
        other = Session(self.release, self.call_ref, self.options, flow, self.vault)
        its = other._state
        its.language, its.patience, its.speed = language or mine.language, mine.patience, mine.speed
        its.aside, its.token = mine.asides, mine.asides * TOKENS
        for name, value in carried.items():
            other._memory.store(name, value)
        return other

    def dump(self) -> bytes:
        """The session as plain data: tokens of the vault, never a digit of a card or secret.

        Only the last dump can be loaded: keys typed and not yet taken are kept for it alone.
        """
        for token in self._dumped:
            self.vault.drop(token)
        data, self._dumped = states.dump(self._state, self.vault, self.release.hash)
        return data

    @classmethod
    def load(
        cls, data: bytes, release: Release, call_ref: str, options: FlowOptions, vault: Vault
    ) -> "Session":
        """Go on from `dump`; raises `LoadError` where data, release or vault do not fit."""
        session = cls(release, call_ref, options, vault=vault)
        session._state = states.load(data, vault, release.hash)
        session._memory = Memory(session._state, vault)
        return session

    def __repr__(self) -> str:
        return f"Session({self.call_ref!r}, {self.place!r}, {self.phase})"

    # -- events -------------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        match event:
            case Started(able):
                self._started(able)
            case KeyPressed(digit):
                self._key(digit)
            case PlayEnded(token):
                if token == self._state.playing:
                    self._spoken(barged=not event.completed, heard=event.heard)
            case HungUp():
                self._end()
            case _:
                self._take_answer(event)

    def _started(self, able: frozenset[str]) -> None:
        self._state.guard_at = self._now + self.options.call_guard_s
        able = able.intersection(ABILITIES)
        for name in sorted(able | {IN_WRITING} if able else able):
            self._memory.store(name, ABLE)
        if self._state.aside:
            self._state.listening = True  # before the first word: somebody else hears this caller
            self._out.append(Listen(secret=True))
        flow = self.release.flows[self._state.first]
        self._state.frames.append(Frame(flow.name, flow.entry))
        self._run(flow.entry)

    def _key(self, digit: str) -> None:
        state = self._state
        if digit not in KEYS or len(digit) != 1 or state.closing or self._deaf():
            return
        swallowed, state.swallow = digit == self._swallowing(), ""
        if swallowed:
            return
        if len(state.buffer) >= self.options.type_ahead:
            self._record("keys.dropped")
            return
        state.buffer += digit
        if state.phase is Phase.SPEAKING and digit in state.stop_keys:
            enough = self._now - state.said_at >= self._spoken_for(self.options.heard_after_s)
            self._spoken(barged=True, heard=enough)

    def _deaf(self) -> bool:
        """A confirm takes no key until its values were played; an exit takes none at all."""
        node, state = self._node(), self._state
        unread = self.phase is Phase.SPEAKING and not state.read
        return isinstance(node, Exit) or (isinstance(node, Confirm) and unread)

    def _spoken(self, barged: bool, heard: bool) -> None:
        """What was being spoken is over; a result is told only where it was heard."""
        state = self._state
        state.playing = None
        if state.parts and not barged:
            self._speak_part()
            return
        state.parts.clear()
        if isinstance(self._node(), Confirm) and not barged and not state.closing:
            state.read = True
        if state.telling:
            if heard:
                self._out += [Told(answer.visit, answer.exit) for answer in state.untold]
            state.untold = []
        state.telling = False
        if state.closing:
            self._hang_up(state.closing)
        else:
            self._run(self._after_prompt())

    # -- time ---------------------------------------------------------------------------------

    def _guardable(self) -> bool:
        state = self._state
        busy = state.phase not in (Phase.SPEAKING, Phase.LISTENING) or bool(state.untold)
        return not busy and state.visit is None and not state.closing

    def _due(self) -> None:
        state = self._state
        if self._guardable() and self._now >= state.guard_at:
            self._guard()
        elif state.answer_by is not None and self._now >= state.answer_by:
            self._give_up_waiting()
        elif state.phase is Phase.LISTENING:
            self._input_timed_out()
        elif state.phase is Phase.SPEAKING:
            self._play_lost()
        else:
            self._say_filler()

    def _play_lost(self) -> None:
        """A prompt whose end was never told: go on, but count nothing as heard."""
        self._record("play.lost")
        self._spoken(barged=True, heard=False)

    def _guard(self) -> None:
        """The overall guard: last words, then the end."""
        state = self._state
        self._record("call.guard")
        state.closing, state.buffer = "guard", ""  # beside a call there are no last words
        prompt = self.options.guard_prompt
        known = prompt in self.release.texts[state.language] and not state.aside
        if not self._say(parts_of((prompt,) if known else (), state.language), ""):
            self._hang_up("guard")

    def _give_up_waiting(self) -> None:
        """Nothing came at all: what the service's contract calls an unknown outcome."""
        node, visit = self._node(), self._state.visit
        assert isinstance(node, Call)
        assert visit is not None
        service = self.release.contracts[node.service]
        self._answered(ServiceAnswered(visit, service.exit_for(Unknown("no answer"))))

    def _say_filler(self) -> None:
        node = self._node()
        self._state.timer = None
        if isinstance(node, Call | Fax) and node.filler:
            self._say(parts_of((node.filler,), self._state.language), "")

    def _input_timed_out(self) -> None:
        node, state = self._node(), self._state
        assert isinstance(node, AskingNode)
        if not state.entry:
            self._failed(node, "input.none", node.asking.noinput)
        elif isinstance(node, Collect):
            asked, kind = self._asked(node), self._kind(node)
            self._decide(node, entry_timed_out(asked, kind, state.entry))
        else:
            self._decide(node, Invalid())

    # -- keys ---------------------------------------------------------------------------------

    def _consume(self) -> None:
        """Let the waiting node take one key; recorded now that it is known whose it was."""
        state, node = self._state, self._node()
        assert isinstance(node, AskingNode)
        key, state.buffer = state.buffer[0], state.buffer[1:]
        hidden = isinstance(node, Collect) and not node.public
        self._record("key", digit="•" if hidden else key)
        if isinstance(node, Collect):
            self._decide(node, take(self._asked(node), self._kind(node), state.entry, key))
        elif isinstance(node, Menu) and (row := self._chosen_row(node, key)) is not None:
            self._pick(node, row)
        else:
            self._decide(node, choose(self._choices(node), state.entry, key))

    def _choices(self, node: Menu | Confirm) -> dict[str, str]:
        """The keys that lead on here, in this call."""
        choices = {**node.asking.keys, **node.choices}
        if isinstance(node, Menu) and node.only:
            withheld = self._withheld(node)
            return {key: to for key, to in choices.items() if key not in withheld}
        return choices

    def _chosen_row(self, node: Menu, key: str) -> Row | None:
        """The row that a key chooses, where the menu has rows to choose from."""
        if not node.pick or node.each is None or self._state.entry or key not in PICKS:
            return None
        rows = self._memory.rows(node.each)
        at = int(key) - node.first_key
        return rows[at] if 0 <= at < len(rows) else None

    def _pick(self, node: Menu, row: Row) -> None:
        for name, column in node.pick.items():
            self._memory.forget(name)
            if column in row:
                self._memory.store(name, row[column])
        self._run(node.picked)

    def _decide(self, node: AskingNode, verdict: Verdict) -> None:
        state = self._state
        match verdict:
            case More(entry):
                state.entry = entry
                state.timer = self._now + self._patient(node.asking.inter_digit)
            case Again():
                state.entry = ""
                self._ask(node)
            case Invalid():
                self._failed(node, "input.invalid", node.asking.invalid)
            case Chosen(target):
                self._run(target)
            case Completed(value, full):
                assert isinstance(node, Collect)
                if full:
                    self._swallow(node)
                self._completed(node, value)
            case _:
                assert_never(verdict)

    def _completed(self, node: Collect, value: Value) -> None:
        """Keep what was entered, unless it had to repeat another entry and does not."""
        if node.same_as is not None and not _same(self._memory.value(node.same_as), value):
            if isinstance(value, Secret):
                value.wipe()
            self._failed(node, "input.invalid", node.asking.invalid)
            return
        self._memory.store(node.into, value)
        self._run(node.next)

    def _swallow(self, node: Collect) -> None:
        """The end key right after a full-length entry belongs to it, typed ahead or to come."""
        state = self._state
        if state.buffer:
            state.buffer = state.buffer.removeprefix(node.entry.end)
        else:
            state.swallow = node.entry.end
            state.swallow_until = self._now + self._patient(node.asking.inter_digit)

    def _failed(self, node: AskingNode, kind: str, prompts: tuple[str, ...]) -> None:
        """A silence or an invalid entry: what was typed ahead was meant for something else."""
        state = self._state
        state.entry = state.buffer = ""
        state.tries += 1
        self._record(kind)
        if state.tries < node.asking.tries:
            self._ask(node, prompts)
            return
        self._record("input.exhausted")
        default = node.default if isinstance(node, Menu) else None
        self._run(default or node.asking.exhausted)

    def _finish(self) -> list[Command]:
        """Let waiting keys be taken, and hand out what there is to do."""
        while self.phase is Phase.LISTENING and self._state.buffer:
            self._consume()
        out, self._out = self._out, []
        return out


def _same(first: Value | None, second: Value) -> bool:
    """Secrets are equal by their digits alone, and only here."""
    if isinstance(first, Secret) and isinstance(second, Secret):
        return first.reveal() == second.reveal()
    return first == second
