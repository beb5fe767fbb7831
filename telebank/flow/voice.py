"""What a session says and notes, wherever it is: prompts, records, questions' names, the end."""

from types import MappingProxyType

from telebank.flow import pace
from telebank.flow.commands import Command, Ended, HangUp, Record, Say
from telebank.flow.memory import Memory
from telebank.flow.model import ABLE, DESK_GIVES, AnyNode, Collect, DigitEntry, Flow, Menu
from telebank.flow.options import LANGUAGES, MAX_PICKED_ROWS, FlowOptions
from telebank.flow.release import Release
from telebank.flow.speech import parts_of, row_parts, speakable, spoken_of
from telebank.flow.state import Part, Phase, State
from telebank.flow.vault import MemoryVault, Vault
from transactions.card import CardNumber
from transactions.request import AuthLevel, Language


class Voice:
    """One caller in one release; `telebank.flow.walk` moves him on."""

    def __init__(
        self,
        release: Release,
        call_ref: str,
        options: FlowOptions,
        entry: str = "main",
        vault: Vault | None = None,
    ) -> None:
        self.release = release
        self.call_ref = call_ref
        self.options = options
        self.vault: Vault = vault if vault is not None else MemoryVault()
        self._state = State(language=LANGUAGES[0], first=entry)
        self._memory = Memory(self._state, self.vault)
        self._now = 0.0
        self._out: list[Command] = []

    @property
    def phase(self) -> Phase:
        """What the session waits for."""
        return self._state.phase

    @property
    def place(self) -> str:
        """`flow.node`, or empty before the start."""
        frames = self._state.frames
        return f"{frames[-1].flow}.{frames[-1].node}" if frames else ""

    @property
    def at_menu(self) -> bool:
        """Whether the caller is at a menu."""
        return bool(self._state.frames) and isinstance(self._node(), Menu)

    @property
    def asking(self) -> bool:
        """Whether somebody's answer is awaited, in silence or while the caller is told to wait."""
        return self._state.visit is not None

    @property
    def level(self) -> AuthLevel:
        """How far the caller has proved himself."""
        return self._state.auth

    @property
    def proved(self) -> CardNumber | None:
        """The card that he proved himself with."""
        return self._memory.proved

    @property
    def card(self) -> CardNumber | None:
        """The card that he keyed last, proved or not."""
        card = self._memory.value(DESK_GIVES)
        return card if isinstance(card, CardNumber) else None

    @property
    def keyed(self) -> tuple[int, int] | None:
        """In an entry of digits: how many were keyed so far, and how many it needs at least."""
        node = self._node() if self._state.frames else None
        if not isinstance(node, Collect) or not isinstance(node.entry, DigitEntry):
            return None
        return len(self._state.entry), node.entry.min

    @property
    def keying(self) -> str:
        """The variable that is being keyed, or is asked for; empty: none is."""
        node = self._node() if self._state.frames else None
        return node.into if isinstance(node, Collect) else ""

    def _parts(self, node: AnyNode, before: tuple[str, ...] = ()) -> list[Part]:
        """What a node says: `before`, then its rows one by one, then its own `say`."""
        language = self._state.language
        say = node.say
        if isinstance(node, Menu) and node.only:
            withheld = self._withheld(node)
            say = tuple(item for item in say if item not in withheld)
        if node.each is None or node.row is None:
            return parts_of(before + say, language)
        count = len(self._memory.rows(node.each))
        first_key = node.first_key if isinstance(node, Menu) else 1
        keys = MAX_PICKED_ROWS + 1 - first_key
        if isinstance(node, Menu) and node.pick and count > keys:
            self._record("rows.cut")
            count = keys
        listed = row_parts(node.each, node.row, count, language, first_key)
        return [*parts_of(before, language), *listed, *parts_of(say, language)]

    def _withheld(self, node: Menu) -> set[str]:
        """The keys and texts of what is not to be had in this call."""
        lacking = [items for name, items in node.only.items() if self._memory.value(name) != ABLE]
        return {item for items in lacking for item in items}

    def _say(self, wanted: list[Part], stop_keys: str) -> bool:
        """Start speaking; False where there is nothing to say. One `Say` a language or row."""
        state = self._state
        state.parts = speakable(wanted, self.release.texts, self._memory)
        if state.parts != wanted:
            # What cannot be said whole is left out, and a result left out was not heard.
            self._record("value.missing")
            state.parts = state.parts or self._bare_done()
            state.untold = []
        if not state.parts:
            return False
        state.stop_keys = "".join(key for key in stop_keys if key != self._swallowing())
        state.telling = bool(state.untold)
        state.said_at = self._now
        self._speak_part()
        return True

    def _bare_done(self) -> list[Part]:
        """What is said of an approval whose own words lack a value: silence would have it repeated.
        A notice tells the rest in his next call."""
        prompt, language = self.options.done_prompt, self._state.language
        done = any(one.exit == "ok" and one.effect != "read" for one in self._state.untold)
        return parts_of(
            (prompt,) if prompt in self.release.texts[language] and done else (), language
        )

    def _swallowing(self) -> str:
        """The end key that belongs to the entry just completed and stops nothing, if any."""
        return self._state.swallow if self._now <= self._state.swallow_until else ""

    def _speak_part(self) -> None:
        state = self._state
        part = state.parts.pop(0)
        prompts = spoken_of(part, self.release.texts, self._memory)
        state.token += 1
        state.playing, state.phase = state.token, Phase.SPEAKING
        state.timer = self._now + self._spoken_for(self.options.play_guard_s)
        more = part.rows is not None and bool(state.parts)
        slow = state.speed == pace.SLOW
        self._out.append(Say(prompts, state.stop_keys, state.token, part.language, more, slow))

    def _new_visit(self) -> str:
        """A question's name, unique in the call; the session waits for its answer."""
        state = self._state
        state.visits += 1
        state.phase = Phase.WAITING
        state.visit = f"b{state.aside}v{state.visits}" if state.aside else f"v{state.visits}"
        return state.visit

    def _switch(self, language: Language | None) -> None:
        if language is not None:
            self._state.language = language
            self._record("call.language", language=language)

    def _flow(self) -> Flow:
        return self.release.flows[self._state.frames[-1].flow]

    def _node(self) -> AnyNode:
        return self._flow().nodes[self._state.frames[-1].node]

    def _record(self, kind: str, **detail: str) -> None:
        """Note what happened and in which node; never a digit of a card or secret."""
        frame = self._state.frames[-1]
        place = {"flow": frame.flow, "node": frame.node}
        self._out.append(Record(kind, MappingProxyType({**place, **detail})))

    def _hang_up(self, reason: str) -> None:
        """The end of the call; of a session beside one only its own."""
        self._out.append(self._ended(reason) if self._state.aside else HangUp(reason))
        self._end()

    def _ended(self, exit_name: str) -> Ended:
        gives = self.release.flows[self._state.first].gives
        given = {name: v for name in gives if (v := self._memory.value(name)) is not None}
        state = self._state
        return Ended(exit_name, state.auth, self._memory.proved, given, state.lost)

    def _end(self) -> None:
        """Nothing more is said. A secret that a service still has in hand is left to it."""
        state = self._state
        self._memory.forget_all(wipe=state.visit is None)
        self._state = State(language=state.language, phase=Phase.ENDED, frames=state.frames)
        self._memory = Memory(self._state, self.vault)

    def _patient(self, seconds: float) -> float:
        """A timer for keys, as long as this caller needs."""
        return seconds * pace.PATIENCE[self._state.patience]

    def _spoken_for(self, seconds: float) -> float:
        """How long what usually takes `seconds` is spoken to this caller."""
        return seconds * (pace.SLOW_LASTS if self._state.speed == pace.SLOW else 1.0)
