"""The three-way comparison: every fault put into a made-up date is found, and nothing else."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from support.reconcile_world import (
    BEFORE,
    CODES,
    DAY,
    EXPLAINED,
    FAULTS,
    NEXT,
    Deed,
    World,
    approved,
    found_rows,
    gone_over,
    host_row,
    journal_row,
    lost_by_us,
    make_world,
    other_amount,
    plain,
    sign,
    sums_of,
    twice,
    undone_from_yesterday,
    undone_tomorrow,
    unreadable,
)
from transactions.lifecycle import DONE, State
from transactions.money import MAX_MINOR
from transactions.ports import HostTotals, Tally
from transactions.reconcile import compare
from transactions.reconcile_values import (
    HostRow,
    JournalRow,
    Kind,
    Reconciliation,
    Severity,
    Sides,
)

TOTALS = {Kind.TOTALS_DIFFER_FROM_FILE, Kind.TOTALS_DIFFER_FROM_JOURNAL}


def run(world: World, totals: HostTotals | None = None, *, file: bool = True) -> Reconciliation:
    rows = world.file if file else None
    return compare(DAY, world.journal, totals or world.totals(), rows, world.lookup)


def journal_net(world: World, code: str) -> tuple[int, int, int]:
    """Our own sum, made by hand; what was reversed on another date counts where it happened."""
    total = (0, 0, 0)
    for row in world.journal:
        done = row.state in DONE and (row.settled_on or row.business_date) == DAY
        later = row.reversed_on == NEXT and row.business_date == DAY
        before = row.reversed_on == DAY and row.business_date == BEFORE
        total = add(total, row, int(done or later) - int(before), code)
    return total


def host_net(world: World, code: str) -> tuple[int, int, int]:
    total = (0, 0, 0)
    for row in world.file:
        if isinstance(row, HostRow):
            total = add(total, row, sign(row), code)
    return total


def add(
    total: tuple[int, int, int], row: JournalRow | HostRow, times: int, code: str
) -> tuple[int, int, int]:
    if row.currency != code:
        return total
    count, amount, fees = total
    return (count + times, amount + times * row.amount, fees + times * (row.fee or 0))


@given(
    seed=st.integers(0, 2**32),
    deeds=st.lists(st.sampled_from([*FAULTS, *EXPLAINED]), max_size=12),
    rows=st.integers(0, 40),
)
def test_each_fault_is_found_and_nothing_else(seed: int, deeds: list[Deed], rows: int) -> None:
    world = make_world(Random(seed), deeds, rows)
    result = run(world)
    assert found_rows(result.findings) == sorted(world.expected)
    # The host's totals are its file's; ours differ exactly where the sums do.
    told = {(f.kind, f.currency) for f in result.findings if f.kind in TOTALS}
    assert told == {
        (Kind.TOTALS_DIFFER_FROM_JOURNAL, code)
        for code in CODES
        if journal_net(world, code) != host_net(world, code)
    }


@given(seed=st.integers(0, 2**32), rows=st.integers(0, 40))
def test_a_date_of_open_rows_and_cut_over_is_explained(seed: int, rows: int) -> None:
    result = run(make_world(Random(seed), EXPLAINED, rows))
    assert result.severity is Severity.EXPLAINED
    assert result.rows[Severity.DIFFERENCE] == 0


@given(seed=st.integers(0, 2**32), rows=st.integers(0, 9))
def test_without_a_file_open_rows_explain_the_totals(seed: int, rows: int) -> None:
    """What the host posted of the open rows is exactly what its totals have more."""
    deeds = [gone_over, undone_tomorrow, undone_from_yesterday]
    world = make_world(Random(seed), deeds, rows)
    result = run(world, file=False)
    assert {f.kind for f in result.findings} <= {
        Kind.STILL_OPEN,
        Kind.DATE_DIFFERS,
        Kind.TOTALS_DIFFER_FROM_JOURNAL,
    }
    assert {f.severity for f in result.findings} == {Severity.EXPLAINED}
    assert result.severity is Severity.UNCHECKED
    done = [row for row in world.journal if row.state in DONE and row.settled_on != NEXT]
    assert result.rows[Severity.UNCHECKED] == len(done)


def test_without_a_file_nothing_is_agreed() -> None:
    """The host's file may have what we do not have: even an empty day is not agreed."""
    world = make_world(Random(1), [], 0)
    assert run(world).severity is Severity.AGREED
    assert run(world, file=False).severity is Severity.UNCHECKED
    plain(world, approved(journal_row(9, State.APPROVED, Random(3))), Random(1))
    result = run(world, file=False)
    assert (result.severity, result.findings) == (Severity.UNCHECKED, [])
    assert result.rows[Severity.UNCHECKED] == 1


def test_without_a_file_a_difference_that_no_open_row_explains_is_one() -> None:
    world = make_world(Random(1), [], 0)
    plain(world, replace(journal_row(1, State.MANUAL, Random(1)), currency="CNY"), Random(4))
    more = replace(journal_row(2, State.APPROVED, Random(2)), currency="CNY", amount=1)
    totals = HostTotals(DAY, {"CNY": sums_of("CNY", [host_row(more, "posted")])})
    result = run(world, totals, file=False)
    assert [(f.kind, f.severity) for f in result.findings] == [
        (Kind.TOTALS_DIFFER_FROM_JOURNAL, Severity.DIFFERENCE),
        (Kind.STILL_OPEN, Severity.EXPLAINED),
    ]


def test_totals_that_are_not_the_files() -> None:
    world = World()
    plain(
        world,
        replace(approved(journal_row(1, State.APPROVED, Random(3))), currency="CNY"),
        Random(1),
    )
    right = world.totals().by_currency["CNY"]
    more = Tally(right.debits.count, right.debits.minor + 1)
    result = run(world, HostTotals(DAY, {"CNY": replace(right, debits=more)}))
    assert {(f.kind, f.severity) for f in result.findings} == {
        (Kind.TOTALS_DIFFER_FROM_FILE, Severity.DIFFERENCE),
        (Kind.TOTALS_DIFFER_FROM_JOURNAL, Severity.DIFFERENCE),
    }


def test_a_day_above_what_one_amount_can_hold_agrees_to_the_last_unit() -> None:
    world = World()
    for number in (1, 2):
        row = replace(journal_row(number, State.APPROVED, Random(3)), currency="CNY")
        plain(world, replace(approved(row), amount=MAX_MINOR), Random(1))
    right = world.totals().by_currency["CNY"]
    assert right.debits.minor == 2 * MAX_MINOR
    assert run(world).severity is Severity.AGREED
    less = Tally(2, 2 * MAX_MINOR - 1)
    result = run(world, HostTotals(DAY, {"CNY": replace(right, debits=less)}))
    assert {f.kind for f in result.findings} == TOTALS
    assert "19999999999.97 CNY" in result.findings[0].theirs


def test_a_reversal_that_only_the_totals_have() -> None:
    world = World()
    row = replace(approved(journal_row(1, State.APPROVED, Random(3))), currency="CNY")
    plain(world, row, Random(1))
    right = world.totals().by_currency["CNY"]
    back = Tally(1, 0)
    result = run(world, HostTotals(DAY, {"CNY": replace(right, debit_reversals=back)}))
    assert {f.kind for f in result.findings} == TOTALS


def test_a_row_that_cannot_be_read_does_not_explain_the_sums() -> None:
    world = World()
    unreadable(world, replace(journal_row(1, State.APPROVED, Random(3)), currency="CNY"), Random(1))
    result = run(world)
    assert {(f.kind, f.severity) for f in result.findings} == {
        (Kind.ROW_UNREADABLE, Severity.DIFFERENCE),
        (Kind.TOTALS_DIFFER_FROM_JOURNAL, Severity.DIFFERENCE),
    }


def one_row(ours: JournalRow, status: str, on: date) -> list[tuple[Kind, Severity]]:
    """What is found about one transaction that both sides have."""
    world = World(journal=[ours], file=[host_row(ours, status, on)])
    return [(f.kind, f.severity) for f in run(world).findings if f.kind not in TOTALS]


def test_reversed_today_and_posted_in_todays_file() -> None:
    row = replace(journal_row(1, State.REVERSED, Random(1)), reversed_on=DAY)
    assert one_row(row, "posted", DAY) == [(Kind.STATE_DIFFERS, Severity.DIFFERENCE)]


def test_the_host_said_another_date_of_the_reversal_than_its_file() -> None:
    row = journal_row(1, State.REVERSED, Random(1))
    before = replace(row, business_date=BEFORE, reversed_on=BEFORE)
    assert one_row(before, "reversed", BEFORE) == [(Kind.DATE_DIFFERS, Severity.DIFFERENCE)]
    unknown = replace(before, reversed_on=None)
    assert one_row(unknown, "reversed", BEFORE) == [(Kind.DATE_DIFFERS, Severity.EXPLAINED)]


def test_done_by_us_and_reversed_a_date_later_by_the_host() -> None:
    row = replace(
        journal_row(1, State.APPROVED, Random(1)), business_date=BEFORE, settled_on=BEFORE
    )
    assert one_row(row, "reversed", BEFORE) == [(Kind.STATE_DIFFERS, Severity.DIFFERENCE)]


def test_a_currency_that_the_host_does_not_tell_of_is_nothing_posted() -> None:
    world = World()
    plain(world, approved(journal_row(1, State.APPROVED, Random(3))), Random(1))
    result = run(world, HostTotals(DAY, {}))
    assert {f.kind for f in result.findings} == TOTALS


def test_credits_that_we_know_nothing_of_are_a_difference() -> None:
    world = World()
    plain(
        world,
        replace(approved(journal_row(1, State.APPROVED, Random(3))), currency="CNY"),
        Random(1),
    )
    right = world.totals().by_currency["CNY"]
    credit = Tally(1, 5)
    result = run(world, HostTotals(DAY, {"CNY": replace(right, credits=credit)}))
    assert {f.kind for f in result.findings} == TOTALS


def test_totals_explained_by_rows_that_are_explained() -> None:
    """The host posted what is still open with us: the sums differ, and we know why."""
    world, row = World(), replace(journal_row(1, State.REVERSING, Random(1)), currency="CNY")
    world.journal.append(row)
    world.file.append(host_row(row, "posted"))
    result = run(world)
    assert [(f.kind, f.severity) for f in result.findings] == [
        (Kind.TOTALS_DIFFER_FROM_JOURNAL, Severity.EXPLAINED),
        (Kind.STILL_OPEN, Severity.EXPLAINED),
    ]
    assert result.findings[1].theirs == "posted"


def test_an_open_row_of_another_amount_is_both() -> None:
    world, row = World(), journal_row(1, State.MANUAL, Random(1))
    world.journal.append(row)
    world.file.append(replace(host_row(row, "posted"), amount=row.amount + 1))
    result = run(world)
    kinds = [f.kind for f in result.findings if f.kind not in TOTALS]
    assert kinds == [Kind.AMOUNT_DIFFERS, Kind.STILL_OPEN]
    assert result.rows[Severity.DIFFERENCE] == 1


def test_a_side_that_names_no_fees_is_not_compared_by_fees() -> None:
    world, row = World(), replace(approved(journal_row(1, State.APPROVED, Random(1))), fee=None)
    world.journal.append(row)
    world.file.append(replace(host_row(row, "posted"), fee=200))
    assert run(world).severity is Severity.AGREED


def test_findings_carry_what_a_person_needs() -> None:
    world = World()
    row = replace(journal_row(7, State.APPROVED, Random(1)), currency="CNY", amount=123_456)
    other_amount(world, row, Random(1))
    lost_by_us(world, replace(row, reference="010000000008"), Random(1))
    amount, alone = run(world).findings[-2:]
    assert (amount.ours, amount.theirs[:4]) == ("1234.56 CNY", "1234")
    assert (amount.card_masked, amount.line, amount.state) == ("622700******0013", 2, "APPROVED")
    assert (alone.reference, alone.ours, alone.state) == ("010000000008", "", "")
    assert (alone.theirs, alone.their_state) == ("1234.56 CNY", "posted")


def test_counts_of_transactions_are_by_their_worst_finding() -> None:
    world = make_world(Random(5), [twice, gone_over], 0)
    plain(world, approved(journal_row(9, State.APPROVED, Random(3))), Random(1))
    result = run(world)
    # The second posting of a duplicate is a transaction of its own: one agrees, one does not.
    assert dict(result.rows) == {
        Severity.AGREED: 2,
        Severity.EXPLAINED: 1,
        Severity.UNCHECKED: 0,
        Severity.DIFFERENCE: 1,
    }


def test_figures_of_the_three_sides() -> None:
    world = World()
    for number, state in enumerate((State.APPROVED, State.APPROVED, State.REVERSED), 1):
        row = replace(
            journal_row(number, state, Random(1)),
            currency="CNY",
            amount=100,
            fee=2,
            settled_on=None,
        )
        world.journal.append(row)
        world.file.append(host_row(row, "reversed" if state is State.REVERSED else "posted"))
    sides = run(world).currencies["CNY"]
    for side in (sides.journal, sides.totals, sides.file):
        assert side is not None
        assert (side.posted, side.posted_minor, side.reversed, side.reversed_minor) == (
            *(3, 300, 1, 100),
        )
        assert (side.net, side.net_minor, side.fees) == (2, 200, 4)
    assert isinstance(sides, Sides)


ROWS = 20_000
BYTES_A_ROW = 600


def test_what_is_held_is_the_days_rows_by_reference() -> None:
    """Rows are made as they are asked for, so whatever grows is the comparison's own."""
    wrong = f"01{777:010d}"

    def journal() -> Iterator[JournalRow]:
        for number in range(ROWS):
            reference = f"01{number:010d}"
            yield JournalRow(reference, "transfer", State.APPROVED, 100, "CNY", 2, DAY, DAY)

    def file() -> Iterator[HostRow]:
        for number in reversed(range(ROWS)):
            reference = f"01{number:010d}"
            amount = 101 if reference == wrong else 100
            yield HostRow(reference, amount, "CNY", "posted", DAY, 2, line=number)

    tracemalloc.start()
    try:
        result = compare(DAY, journal(), None, file(), lambda _: ())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [f.reference for f in result.findings] == [wrong]
    assert result.rows[Severity.AGREED] == ROWS - 1
    assert peak < ROWS * BYTES_A_ROW, f"{peak / ROWS:.0f} bytes a row"
