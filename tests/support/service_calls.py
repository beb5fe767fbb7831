"""One call for one service: its keys, what must be heard, and what must have come of it.

A `Case` is a row of the feature inventory as data. `Visit` is that case played by one customer in
one language: a scene of `support.money_stage`. What is expected to be heard is read out of the
host's books before the call, and what was ordered is looked up in them after it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from core_adapters.corehost.seed import SeedCard, trial_set
from support.corehost_process import special_card
from support.money_caller import FILLER, PATIENCE_S, fen, said
from support.money_journal import Row
from support.money_stage import Day, Stage
from support.service_books import Books, Posted, Values
from support.service_keys import NOTHING, route, script
from support.store_sql import ask_once
from telebank.phone.hearing import ClipHeard
from telebank.phone.phone import PhoneOptions
from telebank.phone.report import CallReport
from telebank.phone.script import parse_script

Spoken = tuple[str, Values]
"""A prompt with its values."""
Passage = Sequence[Spoken]
"""Prompts that are heard one right after the other."""
LANGUAGES = ("zh", "en")
TURN_S = 4.0
"""Between the calls of one card, in seconds."""
CALL_S = 280.0
"""Longest call, in seconds."""
QUIET_S = 1.5
"""Silence after which the bank has said its sentence; more than a busy machine makes of a pause."""
NO_VALUES: Values = MappingProxyType({})
RULES: Mapping[str, object] = MappingProxyType({"gateway": "127.0.0.1:9", "allow": ["020*"]})
"""Of calls that the bank may place: there are some, so that callers are offered faxes back."""


def nothing(_books: Books, _who: SeedCard) -> Sequence[Passage]:
    """Nothing is heard on the way."""
    return ()


@dataclass(frozen=True, slots=True)
class Money:
    """What a service that moves money must have done."""

    service: str
    confirm: str
    """The read-back."""
    terms: Callable[[Books, SeedCard, Posted], Values]
    """Its values, beside what the host quoted it about."""
    legs: Callable[[Books, SeedCard, Posted], Mapping[str, int]]
    """What each account got, fen; other than this nothing may have been posted."""
    done: str = "dep.done"
    minor: int | None = None
    """The amount ordered in fen, where the caller names it."""
    whole: bool = True
    """Whether `legs` are all of the posting; else only the customer's."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A row of the inventory: a service by its route, and what a caller does there."""

    row: str
    what: str
    """The route, as in docs/menus.md: `deposit.place kind=time term=m3`."""
    entries: Callable[[Books, SeedCard], Mapping[str, str]] = lambda _books, _who: NOTHING
    """What is keyed in where the route asks, yuan with a point."""
    waits: Mapping[int | str, str] = field(default_factory=dict)
    """Prompts before which the caller listens; see `service_keys.script`."""
    then: str | Callable[[Books, SeedCard], str] = ""
    """What he presses further, as a script."""
    until: str = ""
    """The prompt after which he hangs up."""
    heard: Callable[[Books, SeedCard], Sequence[Passage]] = nothing
    """What is spoken in this order, by the books as they are before the call."""
    asked: tuple[str, ...] | None = ()
    """What was asked of the host and the exit, `card.recent ok`; proofs and notices left out. None
    is not looked at."""
    money: Money | None = None
    card: bool = True
    """Whether it takes a card."""
    keys: tuple[str, ...] = ()
    """The keys after the language, where it is not the shortest of several ways."""
    drop: int = 0
    """How many keys of the route, from its end, are left out."""
    first: "Case | None" = None
    """What the same customer does in a call before."""
    left: tuple[str, str, str] | None = None
    """Of an order that is refused: its service, the state it ended in, what the caller was told."""
    special: str = ""
    """Who calls, where it is no ordinary customer: `company`, or a state of a card."""
    turn: int = 0
    """Who shares his card calls in turn: only a few may prove themselves with one card at once."""
    fault: Mapping[str, str] = field(default_factory=dict)
    """An `action` of the host on his messages that `match`; see docs/corehost.md."""
    check: "Callable[[Day, Visit, Outcome], None] | None" = None
    """In place of the usual looking at what was heard and done."""
    name: str = ""
    """Tells cases of one row apart."""

    def __str__(self) -> str:
        return f"{self.row}-{self.name}" if self.name else self.row


@dataclass(frozen=True, slots=True)
class Heard:
    """A call that is over, and every clip of it in order: rows and words have no prompt's id."""

    report: CallReport
    clips: Sequence[ClipHeard]

    @property
    def words(self) -> str:
        """All that was said, without marks and spaces."""
        return "".join(plain(one.text) for one in self.clips)

    @property
    def why(self) -> str:
        """How it ended."""
        return self.report.why


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call that is over, and what the books said before it."""

    heard: Heard
    expected: Sequence[Passage]
    caller: str
    began: datetime
    ended: datetime
    legs: int
    """Entries of the customer's account before the call."""
    first: "Outcome | None"
    """The call before."""


@dataclass(frozen=True, eq=False)
class Visit:
    """A case in a language by the customer of that number, in the bank of that name; a scene.
    `serial` is its own in that bank, and gives the number that he calls from."""

    case: Case
    language: str
    bank: str
    number: int
    serial: int

    def __str__(self) -> str:
        return f"{self.case}-{self.language}"

    def who(self, day: Day) -> SeedCard:
        """Who calls; nobody else has his card."""
        if self.case.special == "company":
            return next(one for one in trial_set() if one.company)
        if self.case.special:
            return special_card(self.case.special)
        return day.bank.cards[self.number]

    async def __call__(self, stage: Stage) -> Outcome:
        """Place the call, or the calls."""
        day = await open_branch(stage, self.bank)
        case, who, books = self.case, self.who(day), books_of(day)
        if case.special:
            await asyncio.sleep(TURN_S * (2 * case.turn + LANGUAGES.index(self.language)))
        before = None
        if case.first is not None:
            before = await replace(self, case=case.first)(stage)
        expected = tuple(case.heard(books, who))
        caller, legs = caller_number(self.serial), books.postings(who.account)
        if case.fault:
            day.fault(who, **case.fault)
        began = datetime.now(UTC)
        until = case.until or (case.money.done if case.money else "")
        heard = await ring_as(day, caller, self._keys(books, who), until)
        return Outcome(heard, expected, caller, began, datetime.now(UTC), legs, before)

    def _keys(self, books: Books, who: SeedCard) -> str:
        case, entries = self.case, self.case.entries(books, who)
        waits = dict(case.waits) | ({-1: case.money.confirm} if case.money else {})
        way = case.keys or route(case.what, entries).keys[1:]
        keys = script(way, who if case.card else None, self.language, entries, waits)
        keys = " ".join(keys.split()[: -case.drop or None])
        if case.money is not None:
            # He is quiet until all is read back: a key before that does not count.
            keys = "".join(keys.rpartition("!")[::2])
        return f"{keys} {case.then if isinstance(case.then, str) else case.then(books, who)}"


def visits(cases: Sequence[Case], bank: str) -> Iterator[Visit]:
    """Each case in both languages. Who only asks shares a card with nobody but himself; who
    orders has one for each call, so that the ledger shows what came of it."""
    number = 0
    for place, case in enumerate(cases):
        alone = case.money is not None or case.first is not None
        for other, language in enumerate(LANGUAGES):
            yield Visit(case, language, bank, number, 2 * place + other)
            number += alone
        number += case.card and not alone


HASTY = "hasty"
"""The bank whose quotes do not outlive their read-back."""


async def open_branch(stage: Stage, name: str) -> Day:
    """The bank of that name."""
    options = ("--quote-life", "2") if name == HASTY else ()
    return await stage.branch(name, host_options=options, outbound=RULES)


def caller_number(serial: int) -> str:
    """A calling number of which the log's masked form (three digits first, two last) is unique."""
    return f"1{serial // 100:02d}000000{serial % 100:02d}"


async def ring_as(day: Day, caller: str, keys: str, until: str = "") -> Heard:
    """Place a call from a number, press what the script says, hang up once `until` was said."""
    options = PhoneOptions(
        quiet_s=QUIET_S,
        patience_s=PATIENCE_S,
        hang_up_after=until,
        max_seconds=CALL_S,
        from_user=caller,
    )
    clips: list[ClipHeard] = []
    call = await day.phone.dial(day.bank.uri, options, on_heard=clips.append)
    report = await call.run(parse_script(keys))
    return Heard(report, tuple(clips))


def books_of(day: Day) -> Books:
    """The books of a bank's host."""
    return Books(day.bank.host.folder)


# -- what was heard ---------------------------------------------------------------------------


def assert_heard(day: Day, heard: Heard, language: str, expected: Sequence[Passage]) -> None:
    """Each passage word for word, in this order; the filler that is said while the host thinks may
    be anywhere."""
    whole, begin = heard.words.replace(said(day.bank, FILLER, language), ""), 0
    for passage in expected:
        wanted = "".join(said(day.bank, prompt, language, **values) for prompt, values in passage)
        found = whole.find(wanted, begin)
        assert found >= 0, f"not heard: {passage}: {wanted!r} in {whole[begin:]!r}; {heard.why}"
        begin = found + len(wanted)


def plain(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return "".join(char for char in text.lower() if char.isalnum())


# -- what came of it --------------------------------------------------------------------------


def check(day: Day, visit: Visit, outcome: Outcome) -> None:
    """All that a case says must have come of its call."""
    case, before = visit.case, outcome.first
    while before is not None:
        assert_heard(day, before.heard, visit.language, before.expected)
        before = before.first
    if case.check is not None:
        case.check(day, visit, outcome)
    elif case.money is not None:
        assert_ordered(day, visit, outcome)
    else:
        assert_told(day, visit, outcome)
    if case.asked is None:
        return
    asked = asked_of_host(day.bank.data, outcome.caller)
    wanted = [*_asked_before(case), *case.asked]
    assert asked == wanted, f"asked {asked}, not {wanted}"


def _asked_before(case: Case) -> tuple[str, ...]:
    first = case.first
    return () if first is None else (*_asked_before(first), *(first.asked or ()))


def assert_told(day: Day, visit: Visit, outcome: Outcome) -> None:
    """What the books say was heard; nothing was ordered, nothing moved."""
    assert_heard(day, outcome.heard, visit.language, outcome.expected)
    who = visit.who(day)
    if visit.case.card:
        assert books_of(day).postings(who.account) == outcome.legs
    if visit.case.left is not None:
        service, state, told = visit.case.left
        row = day.journal.rows(who, service)[-1]
        assert (row.history[-1], row.told) == (state, told)


def assert_ordered(day: Day, visit: Visit, outcome: Outcome) -> None:
    """The row in our journal, the posting in the ledger, and both as the caller was told."""
    money, who, books = visit.case.money, visit.who(day), books_of(day)
    assert money is not None
    rows = day.journal.rows(who, money.service)
    assert len(rows) == 1, f"{outcome.heard.why}; heard: {outcome.heard.words}"
    assert_approved(rows[0])
    posted = books.posted(rows[0].reference)
    assert (rows[0].amount, rows[0].fee) == (posted.minor, posted.fee)
    assert money.minor in (None, posted.minor)
    legs = money.legs(books, who, posted)
    moved = posted.legs if money.whole else {name: posted.legs.get(name) for name in legs}
    assert moved == legs, f"moved {posted.legs}, not {legs}"
    left = posted.after.get(who.account, books.held(who.account))
    told = {"available": fen(left), "ref": rows[0].reference}
    read_back = [(money.confirm, {**posted.about, **money.terms(books, who, posted)})]
    expected = (*outcome.expected, read_back, [(money.done, told)])
    assert_heard(day, outcome.heard, visit.language, expected)


def assert_approved(row: Row) -> None:
    """Sent once, answered 00, and told so."""
    assert row.history == ["RECORDED", "SENT", "APPROVED"]
    assert row.messages == [("0200", "00")]
    assert row.told == "ok"


def asked_of_host(data: Path, caller: str) -> list[str]:
    """`service exit` of each answer in the calls of this number, in order, by the event log."""
    masked = f"{caller[:3]}{'*' * (len(caller) - 5)}{caller[-2:]}"
    rows = ask_once(
        data,
        "SELECT a.detail, a.outcome, s.personal FROM event a JOIN event s ON s.call = a.call"
        " WHERE a.kind = 'service.answered' AND s.kind = 'call.started'"
        " ORDER BY a.node, a.sequence",
    )
    told = [
        (json.loads(detail), outcome)
        for detail, outcome, personal in rows
        if json.loads(personal or "{}").get("from_masked") == masked
    ]
    on_the_way = ("pin.verify", "settings.get", "notice.next", "usage.top")
    return [
        f"{detail['service']} {outcome}"
        for detail, outcome in told
        if detail.get("exit") is not None and detail["service"] not in on_the_way
    ]
