"""Somebody whom we call: a customer who kept his place, or whom a teller wants to speak to.

Whoever answers has proved nothing, whatever he had proved when he called: a telephone is in many
hands. So he is asked for card and PIN anew, and one who is called back says by a key that he is
there, which no answering machine does.

What the media worker takes him for (`telebank.media.amd`) is a guess. A fax or the tone of an
exchange ends the try at once: no voice is one. A person is never hung up on for it: who is taken
for a machine is told all there is to be said, once in place of twice, and has as long to press a
key; only where a beep came as well he has `BEEPED_S`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import structlog

from telebank import wire
from telebank.agents.commands import Announce, QueueExit
from telebank.calls.asking import Services
from telebank.calls.services import CallServices, PlacedCall
from telebank.calls.tellers.conversation import Place
from telebank.calls.tellers.customer_line import CustomerLine
from telebank.calls.tellers.entry import Entry, flow_of
from telebank.calls.tellers.hands import CallHands, EntryEnded, Listener, Terms
from telebank.calls.tellers.saying import Saying, Then
from telebank.calls.tellers.served import Served
from telebank.calls.tellers.values import CallerCard
from telebank.calls.tellers.words import words_of
from telebank.flow.commands import Record, Spoken, Told
from telebank.flow.events import Proved
from telebank.flow.memory import without
from telebank.flow.model import DESK_UNLOCK
from telebank.media.client import MediaChannel
from transactions.journal import JournalEvent
from transactions.outcome import Values
from transactions.request import AuthLevel, Language

log = structlog.get_logger("telebank.tellers")

HELLO, DROPPED, GOODBYE = "callback.hello", "callback.dropped", "sys.goodbye"
YES, NO = "1", "2"
ANSWER_S = 8.0
"""Seconds after the words in which he may press a key."""
TIMES = 2
"""The words are said so often."""
HELLO_S = 20.0
"""Seconds in which they are said, at most."""
BEEPED_S = 3.0
"""In place of `ANSWER_S`, where what was taken for a machine has beeped."""
JUDGED_MS = 30_000
"""Milliseconds from the answer in which it is judged who answered, or a beep may come."""
LEVELS = list(AuthLevel)
Said = Literal["yes", "no", "silent", "gone", "fax", "busy", "congestion"]


class Customer:
    """The `CallerPort` of somebody whom we call. `begin` for each call to him."""

    def __init__(self, shell: CallServices, placed: PlacedCall, card: CallerCard, ref: str) -> None:
        """`ref`: of the conversation; `card`: what is known of him, of whom nothing is proved."""
        self._shell = shell
        self._ref = ref
        self._card = replace(card, level=0, token="")
        self._language: Language = "en" if card.language == "en" else "zh"
        self._line: CustomerLine | None = None
        self._use(placed)

    def _use(self, placed: PlacedCall) -> None:
        self._placed = placed
        self._proved: Proved | None = None
        self._entry: Entry | None = None
        self._asked: asyncio.Future[Said] | None = None
        self._machine = False
        """He is taken for one."""
        self._beeped: asyncio.Future[None] | None = None
        channel, language = (lambda: self.channel), (lambda: self._language)
        self._saying = Saying(placed.ref, placed.edition, channel, language)
        parts = (placed.ref, placed.session, placed.edition, self._shell)
        self._services = Services(*parts, notes=self)

    def begin(self, placed: PlacedCall, line: CustomerLine) -> None:
        """He is called now, over this line."""
        self._use(placed)
        self._line = line

    # -- from his line ------------------------------------------------------------------------

    def heard(self, event: object) -> None:
        """Of his media."""
        self._guarded(lambda _now: self._hear(event), 0.0)

    def _hear(self, event: object) -> None:
        match event:
            case wire.Key():
                self._key(event.digit, event.token)
            case wire.PlayEnded():
                if self._entry is None or not self._entry.ended(event):
                    self._saying.ended(event)
            case wire.Answered():
                self._taken_for(event.who)
            case wire.Beeped():
                self._has_beeped()
            case wire.CallRecorded() if self._shell.tellers is not None:
                self._shell.tellers.taped(self._ref, event)
            case _:
                pass

    def _key(self, digit: str, token: int) -> None:
        if self._entry is not None:
            self._entry.key(digit, token)
        elif digit in (YES, NO):
            self._settle("yes" if digit == YES else "no")

    def gone(self) -> None:
        """His line is over."""
        self.leave_entry()
        self._settle("gone")

    def _settle(self, said: Said) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(said)

    # -- being called back --------------------------------------------------------------------

    async def consents(self, *, judged: bool) -> Said:
        """Say who calls, and ask whether he wants his teller; `judged`: and listen who it is."""
        loop = asyncio.get_running_loop()
        asked = self._asked = loop.create_future()
        beeped = self._beeped = loop.create_future()
        channel = self.channel if judged else None
        if channel is not None:
            channel.judge(JUDGED_MS)
        for _ in range(TIMES):
            over: asyncio.Future[bool] = loop.create_future()
            self._saying.say((Spoken(HELLO),), over.set_result)
            both: set[asyncio.Future[Any]] = {over, asked}
            await asyncio.wait(both, timeout=HELLO_S, return_when=asyncio.FIRST_COMPLETED)
            await _key_or_beep(asked, beeped)
            if asked.done() or self._machine:
                break
        if channel is not None:
            channel.stop_judging()
        self._saying.hush()
        return asked.result() if asked.done() else "silent"

    def _taken_for(self, who: wire.Who) -> None:
        """The verdict: see above what is made of it."""
        log.info("tellers.answered_by", call=self._ref, who=who)
        match who:
            case "machine":
                self._machine = True
            case "fax" | "busy" | "congestion":
                self._settle(who)
            case _:
                pass

    def _has_beeped(self) -> None:
        if self._beeped is not None and not self._beeped.done():
            self._beeped.set_result(None)

    def dropped(self) -> None:
        """He wants it no more: say so, and end the call."""
        if not self._saying.say((Spoken(DROPPED),), self._said):
            self.hang_up()

    def _said(self, _heard: bool) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """End the call to him; nobody is told."""
        self.leave_entry()
        self._settle("gone")
        line, self._line = self._line, None
        if line is not None:
            line.hang_up()

    # -- from the room ------------------------------------------------------------------------

    @property
    def ref(self) -> str:
        """See `CallerPort`."""
        return self._ref

    @property
    def channel(self) -> MediaChannel | None:
        """See `CallerPort`."""
        return None if self._line is None else self._line.channel

    @property
    def called(self) -> bool:
        """See `CallerPort`."""
        return self._line is not None and self._line.called

    @property
    def shown(self) -> str:
        """See `CallerPort`."""
        return "".join(one for one in self._card.caller if one.isalnum() or one in "*+-.") or "0"

    def card(self) -> CallerCard:
        """See `CallerPort`."""
        proved = self._proved
        if proved is None:
            return self._card
        return replace(
            self._card,
            level=LEVELS.index(proved.level),
            customer=proved.customer.masked,
            token=self._shell.vault.token(proved.customer),
        )

    def served(self, teller: str) -> Served:
        """See `CallerPort`."""
        proved, hands = self._proved, self._hands()
        return Served(
            edition=self._placed.edition,
            language=self._language,
            card=None if proved is None else proved.customer,
            level=AuthLevel.NONE if proved is None else proved.level,
            ask=partial(hands.ask_for, teller),
            told=hands.told,
            say=partial(self._say, self._placed),
        )

    def _say(self, placed: PlacedCall, words: tuple[Spoken, ...], then: Then | None) -> bool:
        """To him in this call; in a later one somebody else may have answered."""
        return placed is self._placed and self._saying.say(words, then)

    def join(self, place: Place) -> None:
        """See `CallerPort`."""
        if place.role == "party":
            self._saying.hush()
        if (channel := self.channel) is not None:
            channel.join(place.mixer, place.role, sound=place.sound)

    def leave(self) -> None:
        """See `CallerPort`."""
        if (channel := self.channel) is not None:
            channel.leave()

    def announce(self, what: Announce) -> None:
        """See `CallerPort`; he is not offered another call."""
        if what.what != "call_back_offer":
            self._saying.add(words_of(what))

    def kept(self) -> None:
        """See `CallerPort`; he is not offered one."""

    def enter_pin(self, heard: Listener, terms: Terms | None = None) -> bool:
        """See `CallerPort`."""
        proved = self._proved
        card = None if proved is None or terms is None else proved.customer
        flow, carried = flow_of(card, terms)
        return self._enter(flow, carried, self._hands(), heard, terms)

    def enter_unlock(self, heard: Listener, teller: str) -> bool:
        """See `CallerPort`: what is asked is asked by his teller."""
        hands = self._hands()
        hands = replace(hands, ask=partial(hands.ask_for, teller))
        return self._enter(DESK_UNLOCK, {}, hands, heard)

    def _enter(
        self,
        flow: str,
        carried: Values,
        hands: CallHands,
        heard: Listener,
        terms: Terms | None = None,
    ) -> bool:
        line = self._line
        if line is None:
            return False
        try:
            beside = self._placed.session.beside(flow, carried, self._language)
        except ValueError as error:
            log.error("tellers.no_entry", call=self._ref, why=str(error))
            return False

        def over(ended: EntryEnded) -> None:
            self._entry = None
            self._proved = ended.proved or _left(self._proved, ended.lost)
            heard.over(ended)

        self._saying.hush()
        listener = Listener(heard.keyed, over)
        self._entry = Entry(beside, line, self._placed.edition, hands, listener, terms)
        self._entry.begin()
        return True

    def take_back(self, quiet_s: float) -> None:
        """See `CallerPort`."""
        if self._entry is not None:
            self._entry.take_back(quiet_s)

    def leave_entry(self) -> None:
        """See `CallerPort`."""
        entry, self._entry = self._entry, None
        if entry is not None:
            entry.cancel()
            if self.channel is not None:
                self.channel.stop()

    def leaves_by(self, exit_name: QueueExit) -> None:
        """He came from no menu: there is none to go back to."""
        del exit_name
        self.goodbye()

    def goodbye(self) -> None:
        """See `CallerPort`."""
        self.leave_entry()
        if not self._saying.say((Spoken(GOODBYE),), self._said):
            self.hang_up()

    # -- what an entry needs ------------------------------------------------------------------

    def _hands(self) -> CallHands:
        """Of the call that he is in now: of a later one they ask and tell nothing."""
        services = self._services
        return CallHands(
            now=self._shell.endpoint.now,
            guarded=self._guarded,
            ask=services.ask,
            ask_for=services.ask_for,
            told=partial(self._told, services),
            record=self._record,
            proved=lambda _proved: None,
            back=lambda _visit, _exit: None,
            hang_up=lambda _why: self.hang_up(),
        )

    def _guarded(self, act: Callable[[float], None], at: float) -> None:
        """See `CallHands`. Its text may hold what he keyed, so only its kind is logged."""
        try:
            act(at)
        except Exception as error:  # noqa: BLE001 - the boundary of one call: it ends, no other does
            log.error("tellers.customer_failed", call=self._ref, error=type(error).__name__)
            self.hang_up()
            if self._shell.tellers is not None:
                self._shell.tellers.gone(self._ref, "lost")

    def _told(self, services: Services, told: Told) -> None:
        self._shell.told(services.request_id(told.visit), told.exit)

    def _record(self, record: Record) -> None:
        self.add(record.kind, **record.detail)

    def add(self, kind: str, **detail: str | int | float | bool | None) -> None:
        """A line in the event log; of his call, as `Notes` are of a caller's."""
        request = detail.pop("request", None)
        self._shell.recorder.append(
            JournalEvent(
                kind,
                call=self._placed.ref,
                leg="caller",
                request=str(request) if request is not None else None,
                actor="caller",
                role="caller",
                outcome=str(detail.get("exit", "")),
                detail=dict(detail),
            )
        )


async def _key_or_beep(asked: asyncio.Future[Said], beeped: asyncio.Future[None]) -> None:
    """He has heard the words, and may press a key: less long where there was a beep."""
    both: set[asyncio.Future[Any]] = {asked, beeped}
    await asyncio.wait(both, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
    if beeped.done():
        await asyncio.wait({asked}, timeout=BEEPED_S)


def _left(proved: Proved | None, lost: AuthLevel | None) -> Proved | None:
    """What is still proved after wrong tries locked the proof of a level."""
    level = AuthLevel.NONE if proved is None else without(proved.level, lost)
    return None if proved is None or level is AuthLevel.NONE else replace(proved, level=level)
