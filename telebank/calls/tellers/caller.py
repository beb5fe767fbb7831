"""A caller's call while he is with the tellers: the room moves it, the call gives it its facts."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from telebank import wire
from telebank.agents.commands import Announce, QueueExit
from telebank.agents.options import FIRST_DIGITS, TYPED_S
from telebank.calls.edition import Edition
from telebank.calls.leg import Leg
from telebank.calls.masking import hint_of, shown_caller, user_of
from telebank.calls.services import CallServices
from telebank.calls.tellers.conversation import Place
from telebank.calls.tellers.entry import Entry, flow_of
from telebank.calls.tellers.hands import CallHands, EntryEnded, Listener, Terms
from telebank.calls.tellers.path import Path
from telebank.calls.tellers.saying import Saying
from telebank.calls.tellers.served import Served
from telebank.calls.tellers.values import CallerCard, Ended, Wants
from telebank.calls.tellers.words import words_of
from telebank.flow.commands import Enqueue, Record, Spoken
from telebank.flow.events import Disproved
from telebank.flow.model import DESK_UNLOCK
from telebank.flow.session import Session
from telebank.media.client import MediaChannel
from telebank.sip import CallOffered
from transactions.outcome import Values
from transactions.request import AuthLevel

log = structlog.get_logger("telebank.tellers")

GOODBYE, KEPT = "sys.goodbye", "queue.kept"
OFFER, NUMBER, NO_NUMBER = "queue.offer", "queue.number", "queue.no_number"
HERE, ELSEWHERE, WAIT = "1", "2", "3"
"""Keys after the offer of a call-back: to the calling number, to another one, none."""
MOST_DIGITS = 20
"""Digits of another number."""
DOT = "•"
"""What is shown of a key that is pressed here: none is for other eyes."""
LEVELS = list(AuthLevel)


class AtTellers:
    """Of one call; the `CallerPort` of the room. Without tellers on the node it does nothing."""

    def __init__(  # noqa: PLR0917 - what a call is made of
        self,
        leg: Leg,
        session: Session,
        edition: Edition,
        offered: CallOffered,
        shell: CallServices,
        hands: CallHands,
    ) -> None:
        self._ref = session.call_ref
        self._leg = leg
        self._session = session
        self._edition = edition
        self._offered = offered
        self._shell = shell
        self._hands = hands
        self._began = datetime.now(UTC)
        self._path = Path(edition.release)
        self._saying = Saying(self._ref, edition, lambda: leg.channel, lambda: session.language)
        self._visit = ""
        """Of the menu's question, while he is here."""
        self._offered_back = False
        """A call-back was offered to him: keys choose."""
        self._typed: str | None = None
        """The number to call back, as far as it is keyed; None: none is."""
        self._typing: asyncio.TimerHandle | None = None
        self._role = ""
        """In the mixer."""
        self._business = ""
        self._entry: Entry | None = None

    @property
    def here(self) -> bool:
        """Whether he is with the tellers, and not in the menus."""
        return bool(self._visit)

    @property
    def talks(self) -> bool:
        """Whether he talks with one."""
        return self._role == "party"

    # -- from the call ------------------------------------------------------------------------

    def enqueue(self, command: Enqueue) -> bool:
        """Ask the room for a teller; False: there are none here."""
        room = self._shell.tellers
        if room is None:
            return False
        self._visit, self._business = command.visit, command.business
        card = self._session.proved
        wants = Wants(
            skill=command.skill,
            priority=command.priority,
            language=command.language,
            number=hint_of(self._offered),
            called=user_of(self._offered.to_uri),
            customer="" if card is None else self._shell.vault.token(card),
            business=command.business,
            first_digits="" if card is None else card.digits[:FIRST_DIGITS],
        )
        room.enqueue(self, wants)
        return True

    def takes(self, digit: str, token: int) -> bool:
        """Whether a key is pressed here, and not in the menus; `token` is what was being played."""
        if not self.here:
            return False
        if self._entry is not None:
            self._entry.key(digit, token)
            return True
        self._path.pressed(DOT)  # it may be a PIN that he keys too early, or too late
        if self._typed is not None:
            self._types(self._typed, digit)
        elif self._offered_back and digit in (HERE, ELSEWHERE, WAIT):
            self._chooses(digit)
        return True

    def _chooses(self, digit: str) -> None:
        """A key after the offer of a call-back, which is made once."""
        self._offered_back = False
        self._saying.hush()
        room = self._shell.tellers
        if digit == ELSEWHERE:
            self._typed = ""
            self._typing = asyncio.get_running_loop().call_later(TYPED_S, self._typed_no_more)
            self._saying.say((Spoken(NUMBER),))
            if room is not None:
                room.types(self._ref)
        elif room is not None:
            room.choose(self._ref, hint_of(self._offered) if digit == HERE else "")

    def _types(self, typed: str, digit: str) -> None:
        """A key of another number: `#` ends it, `*` gives up; some may not be called."""
        self._saying.hush()
        if digit.isdecimal():
            self._typed = (typed + digit)[:MOST_DIGITS]
            return
        self._typed_no_more()
        room = self._shell.tellers
        refused = digit == "#" and not (typed and room and room.choose(self._ref, typed))
        if refused or digit == "*":
            self._offered_back = True
            self._saying.say((*((Spoken(NO_NUMBER),) if refused else ()), Spoken(OFFER)))

    def _typed_no_more(self) -> None:
        self._typed = None
        if self._typing is not None:
            self._typing.cancel()
            self._typing = None

    def ended(self, event: wire.PlayEnded) -> bool:
        """Whether it was something said here that ended."""
        if self._entry is not None and self._entry.ended(event):
            return True
        return self._saying.ended(event)

    def recorded(self, record: Record) -> None:
        """The menus have a line for the event log: his way through them."""
        self._path.add(record)

    def taped(self, event: wire.CallRecorded) -> None:
        """A recording of his call is over."""
        if self._shell.tellers is not None:
            self._shell.tellers.taped(self._ref, event)

    def over(self, how: Ended) -> None:
        """His call is over: by whom, or by what."""
        self.leave_entry()
        self._typed_no_more()
        if self.here and self._shell.tellers is not None:
            self._visit = ""
            self._shell.tellers.gone(self._ref, how)

    # -- from the room ------------------------------------------------------------------------

    @property
    def ref(self) -> str:
        """Of the call."""
        return self._ref

    @property
    def channel(self) -> MediaChannel | None:
        """His media."""
        return self._leg.channel

    @property
    def called(self) -> bool:
        """He called us."""
        return False

    @property
    def shown(self) -> str:
        """His number with stars, as the user part of an address."""
        shown = shown_caller(self._offered)
        return "".join(letter for letter in shown if letter.isalnum() or letter in "*+-.") or "0"

    def card(self) -> CallerCard:
        """What a teller is shown now."""
        session = self._session
        proved = session.proved
        token = "" if proved is None else self._shell.vault.token(proved)
        return CallerCard(
            caller=shown_caller(self._offered),
            language=session.language,
            began=self._began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            level=LEVELS.index(session.level),
            customer="" if proved is None else proved.masked,
            token=token,
            business=self._business,
            path=self._path.places,
            keys=self._path.keys,
        )

    def served(self, teller: str) -> Served:
        """What a teller does services for him by."""
        session, hands = self._session, self._hands
        return Served(
            edition=self._edition,
            language=session.language,
            card=session.proved,
            level=session.level,
            ask=partial(hands.ask_for, teller),
            told=hands.told,
            say=self._saying.say,
        )

    def join(self, place: Place) -> None:
        """Be there."""
        self._role = place.role
        if place.role == "party":
            self._hush()
        if (channel := self._leg.channel) is not None:
            channel.join(place.mixer, place.role, sound=place.sound)

    def leave(self) -> None:
        """Be in no mixer."""
        self._role = ""
        if (channel := self._leg.channel) is not None:
            channel.leave()

    def announce(self, what: Announce) -> None:
        """Say how it stands with his place, over the music; one after the other."""
        if self._typed is not None:
            return  # he is busy with a number
        self._saying.add(words_of(what))
        self._offered_back = self._offered_back or what.what == "call_back_offer"

    def kept(self) -> None:
        """His place is kept: say so, and end the call."""
        if not self._saying.say((Spoken(KEPT),), self._said):
            self._done()

    def _said(self, _heard: bool) -> None:
        self._done()

    def _done(self) -> None:
        self._hands.hang_up("teller")

    # -- his PIN ------------------------------------------------------------------------------

    def enter_pin(self, heard: Listener, terms: Terms | None = None) -> bool:
        """Ask him for his PIN, or for card and PIN where he gave no card; False: these menus have
        no such flow. Nobody may hear him by then."""
        flow, carried = flow_of(self._session.proved, terms)
        return self._enter(flow, carried, self._hands, heard, terms)

    def enter_unlock(self, heard: Listener, teller: str) -> bool:
        """See `CallerPort`: what is asked is asked by his teller."""
        hands = replace(self._hands, ask=partial(self._hands.ask_for, teller))
        return self._enter(DESK_UNLOCK, {}, hands, heard)

    def _enter(
        self,
        flow: str,
        carried: Values,
        hands: CallHands,
        heard: Listener,
        terms: Terms | None = None,
    ) -> bool:
        try:
            beside = self._session.beside(flow, carried)
        except ValueError as error:
            log.error("tellers.no_entry", call=self._ref, why=str(error))
            return False

        def over(ended: EntryEnded) -> None:
            self._entry = None
            if ended.proved is not None:
                self._hands.proved(ended.proved)
            if ended.lost is not None:
                self._hands.proved(Disproved(ended.lost))
            heard.over(ended)

        self._hush()
        listener = Listener(heard.keyed, over)
        self._entry = Entry(beside, self._leg, self._edition, hands, listener, terms)
        self._entry.begin()
        return True

    def take_back(self, quiet_s: float) -> None:
        """See `CallerPort`."""
        if self._entry is not None:
            self._entry.take_back(quiet_s)

    def leave_entry(self) -> None:
        """No PIN is asked for any more."""
        entry, self._entry = self._entry, None
        if entry is not None:
            entry.cancel()
            if self._leg.channel is not None:
                self._leg.channel.stop()

    def leaves_by(self, exit_name: QueueExit) -> None:
        """Back to the menu."""
        self.leave_entry()
        self._hush()
        visit, self._visit = self._visit, ""
        if visit:
            self._hands.back(visit, exit_name)

    def goodbye(self) -> None:
        """Last words, and the end."""
        self.leave_entry()
        if not self._saying.say((Spoken(GOODBYE),), self._said):
            self._done()

    def _hush(self) -> None:
        """What was being said to one who waits is over: somebody talks with him."""
        self._saying.hush()
        self._typed_no_more()
        self._offered_back = False
