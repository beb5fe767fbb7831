"""Business dates made up for the reconciliation: journal, host's file and totals that agree, and
faults put into them, each with the findings that it must give."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from transactions.lifecycle import DONE, UNSETTLED, State
from transactions.ports import CurrencyTotals, HostTotals, Tally
from transactions.reconcile_values import (
    Finding,
    HostRow,
    JournalRow,
    Kind,
    Severity,
    UnreadableRow,
)

DAY = date(2026, 11, 22)
NEXT, BEFORE = DAY + timedelta(days=1), DAY - timedelta(days=1)
CODES = ("CNY", "USD", "JPY", "KWD")
Found = tuple[Kind, Severity, str]


@dataclass
class World:
    """One business date at both sides."""

    journal: list[JournalRow] = field(default_factory=list)
    elsewhere: list[JournalRow] = field(default_factory=list)
    """Rows of the journal that the day's reading does not give."""
    file: list[HostRow | UnreadableRow] = field(default_factory=list)
    expected: set[Found] = field(default_factory=set)
    """Findings about single transactions."""

    def lookup(self, references: Sequence[str]) -> Iterable[JournalRow]:
        """What the store answers about references of other dates."""
        wanted = set(references)
        return [row for row in (*self.journal, *self.elsewhere) if row.reference in wanted]

    def totals(self) -> HostTotals:
        """The host's own sums of its file."""
        by_code: dict[str, list[HostRow]] = defaultdict(list)
        for row in self.file:
            if isinstance(row, HostRow) and (row.business_date == DAY or undone_today(row)):
                by_code[row.currency].append(row)
        return HostTotals(DAY, {code: sums_of(code, rows) for code, rows in by_code.items()})


def sums_of(code: str, rows: Sequence[HostRow]) -> CurrencyTotals:
    """Totals of one currency as a host keeps them."""
    back = [row for row in rows if row.status == "reversed"]
    today = [row for row in rows if row.business_date == DAY]
    none = Tally(0, 0)
    return CurrencyTotals(
        debits=Tally(len(today), sum(row.amount for row in today)),
        debit_reversals=Tally(len(back), sum(row.amount for row in back)),
        credits=none,
        credit_reversals=none,
        fees=sum((row.fee or 0) * sign(row) for row in rows),
    )


def undone_today(row: HostRow) -> bool:
    """Posted before, reversed on this date."""
    return row.status == "reversed" and row.business_date < DAY


def sign(row: HostRow) -> int:
    """How a row of the file changes the host's net."""
    if undone_today(row):
        return -1
    return 1 if row.status == "posted" and row.business_date == DAY else 0


def journal_row(number: int, state: State, random: Random) -> JournalRow:
    """A row of ours, numbered so that no two are alike."""
    return JournalRow(
        reference=f"01{number:010d}",
        service="transfer.card_to_card",
        state=state,
        amount=random.randint(1, 9_999_999),
        currency=random.choice(CODES),
        fee=random.choice((0, 200, 5_000)),
        business_date=DAY,
        settled_on=random.choice((DAY, None)) if state in DONE else None,
        card_masked="622700******0013",
        payee_masked="622700******0021",
        node="01",
    )


def host_row(ours: JournalRow, status: str, on: date = DAY) -> HostRow:
    """The host's row of the same transaction."""
    return HostRow(
        reference=ours.reference,
        amount=ours.amount,
        currency=ours.currency,
        status="posted" if status == "posted" else "reversed",
        business_date=on,
        fee=ours.fee,
        line=2,
    )


def plain(world: World, ours: JournalRow, random: Random) -> None:
    """A transaction that both sides have alike, or that is explained."""
    world.journal.append(ours)
    if ours.state in UNSETTLED:
        world.expected.add((Kind.STILL_OPEN, Severity.EXPLAINED, ours.reference))
        status = random.choice(("posted", "reversed", ""))
    elif ours.state in DONE:
        status = "posted"
    elif ours.state in (State.REVERSED, State.CLOSED_NOT_POSTED):
        status = random.choice(("reversed", ""))
    else:
        status = ""
    if status:
        world.file.append(host_row(ours, status))


def gone_over(world: World, ours: JournalRow, random: Random) -> None:
    """Recorded today, settled on the host's next date: explained."""
    world.journal.append(replace(ours, state=State.APPROVED, settled_on=NEXT))
    world.expected.add((Kind.DATE_DIFFERS, Severity.EXPLAINED, ours.reference))


def came_over(world: World, ours: JournalRow, random: Random) -> None:
    """Recorded yesterday; the host has it today, and we do not know its date: explained."""
    row = replace(
        ours,
        state=State.CLOSED_POSTED,
        business_date=BEFORE,
        settled_on=None,
    )
    world.elsewhere.append(row)
    world.file.append(host_row(row, "posted"))
    world.expected.add((Kind.DATE_DIFFERS, Severity.EXPLAINED, row.reference))


def undone_tomorrow(world: World, ours: JournalRow, random: Random) -> None:
    """Posted today, reversed on the host's next date: today's file has it as posted."""
    row = replace(ours, state=State.REVERSED, settled_on=None, reversed_on=NEXT)
    world.journal.append(row)
    world.file.append(host_row(row, "posted"))
    world.expected.add((Kind.DATE_DIFFERS, Severity.EXPLAINED, row.reference))


def undone_from_yesterday(world: World, ours: JournalRow, random: Random) -> None:
    """Posted yesterday, reversed today: today's file has it with its own date."""
    row = replace(
        ours, state=State.REVERSED, business_date=BEFORE, settled_on=None, reversed_on=DAY
    )
    world.journal.append(row)
    world.file.append(host_row(row, "reversed", BEFORE))
    world.expected.add((Kind.DATE_DIFFERS, Severity.EXPLAINED, row.reference))


def approved(ours: JournalRow) -> JournalRow:
    """The same row, done today by both dates."""
    return replace(ours, state=State.APPROVED, settled_on=DAY)


def lost_at_host(world: World, ours: JournalRow, random: Random) -> None:
    """The host has no such row."""
    world.journal.append(approved(ours))
    world.expected.add((Kind.ONLY_IN_JOURNAL, Severity.DIFFERENCE, ours.reference))


def lost_by_us(world: World, ours: JournalRow, random: Random) -> None:
    """The journal has no such row."""
    world.file.append(host_row(ours, random.choice(("posted", "reversed"))))
    world.expected.add((Kind.ONLY_AT_HOST, Severity.DIFFERENCE, ours.reference))


def other_amount(world: World, ours: JournalRow, random: Random) -> None:
    """The host posted another amount."""
    world.journal.append(approved(ours))
    more = replace(host_row(ours, "posted"), amount=ours.amount + random.randint(1, 99))
    world.file.append(more)
    world.expected.add((Kind.AMOUNT_DIFFERS, Severity.DIFFERENCE, ours.reference))


def other_fee(world: World, ours: JournalRow, random: Random) -> None:
    """The host took another fee."""
    world.journal.append(approved(ours))
    world.file.append(replace(host_row(ours, "posted"), fee=(ours.fee or 0) + 1))
    world.expected.add((Kind.FEE_DIFFERS, Severity.DIFFERENCE, ours.reference))


def other_currency(world: World, ours: JournalRow, random: Random) -> None:
    """The host posted it in another currency."""
    world.journal.append(approved(ours))
    other = random.choice([code for code in CODES if code != ours.currency])
    world.file.append(replace(host_row(ours, "posted"), currency=other))
    world.expected.add((Kind.CURRENCY_DIFFERS, Severity.DIFFERENCE, ours.reference))


def other_state(world: World, ours: JournalRow, random: Random) -> None:
    """One side says done, the other not."""
    state, status, known = random.choice(
        (
            (State.APPROVED, "reversed", True),
            (State.CLOSED_POSTED, "reversed", True),
            (State.REVERSED, "posted", True),
            (State.CLOSED_NOT_POSTED, "posted", True),
            (State.DECLINED, "posted", False),
            (State.NOT_SENT, "posted", False),
            (State.DECLINED, "reversed", False),
        )
    )
    row = replace(ours, state=state, settled_on=DAY if state in DONE else None)
    if state is State.REVERSED:
        row = replace(row, reversed_on=random.choice((DAY, None)))
    (world.journal if known else world.elsewhere).append(row)
    world.file.append(host_row(row, status))
    world.expected.add((Kind.STATE_DIFFERS, Severity.DIFFERENCE, ours.reference))


def other_date(world: World, ours: JournalRow, random: Random) -> None:
    """The file has it under a date that is not the file's, or that we were not told."""
    if random.random() < 0.5:
        world.journal.append(approved(ours))
        world.file.append(host_row(ours, "posted", NEXT))
    else:
        world.journal.append(replace(ours, state=State.APPROVED, settled_on=NEXT))
        world.file.append(host_row(ours, "posted"))
    world.expected.add((Kind.DATE_DIFFERS, Severity.DIFFERENCE, ours.reference))


def twice(world: World, ours: JournalRow, random: Random) -> None:
    """The host posted it twice."""
    world.journal.append(approved(ours))
    world.file += [host_row(ours, "posted"), host_row(ours, "posted")]
    world.expected.add((Kind.DUPLICATE_AT_HOST, Severity.DIFFERENCE, ours.reference))


def unreadable(world: World, ours: JournalRow, random: Random) -> None:
    """The file's row makes no sense."""
    world.journal.append(approved(ours))
    world.file.append(UnreadableRow(3, "amount", "'x' is no amount", ours.reference))
    world.expected.add((Kind.ROW_UNREADABLE, Severity.DIFFERENCE, ours.reference))


Deed = Callable[[World, JournalRow, Random], None]
EXPLAINED: tuple[Deed, ...] = (
    gone_over,
    came_over,
    undone_tomorrow,
    undone_from_yesterday,
)
FAULTS: tuple[Deed, ...] = (
    lost_at_host,
    lost_by_us,
    other_amount,
    other_fee,
    other_currency,
    other_state,
    other_date,
    twice,
    unreadable,
)


def make_world(random: Random, deeds: Sequence[Deed], plain_rows: int) -> World:
    """A date with so many ordinary transactions and a transaction for each deed, shuffled."""
    world = World()
    todo: list[Deed] = [*deeds, *([plain] * plain_rows)]
    random.shuffle(todo)
    for number, deed in enumerate(todo, 1):
        deed(world, journal_row(number, random.choice(list(State)), random), random)
    random.shuffle(world.file)
    random.shuffle(world.journal)
    return world


def found_rows(findings: Iterable[Finding]) -> list[Found]:
    """Findings about single transactions, comparable with `World.expected`."""
    totals = (Kind.TOTALS_DIFFER_FROM_FILE, Kind.TOTALS_DIFFER_FROM_JOURNAL)
    return sorted((f.kind, f.severity, f.reference) for f in findings if f.kind not in totals)
