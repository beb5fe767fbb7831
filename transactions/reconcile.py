"""Three-way reconciliation of one business date: journal, host's totals, host's file (rule 14).

A pure comparison: it is given rows and gives findings. One pass over each side; the journal's rows
of the day are held by reference, the file is streamed. A host that undid a transaction has it as
`reversed`; one that it never had is absent, which agrees with REVERSED as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from transactions.lifecycle import DONE, UNSETTLED, State
from transactions.ports import HostTotals
from transactions.reconcile_findings import (
    absent,
    dated,
    judge_money,
    of_host,
    pair,
    unreadable,
    worse,
)
from transactions.reconcile_totals import Change, Sums, figures_of, judge_totals
from transactions.reconcile_values import (
    WORST_FIRST,
    Figures,
    Finding,
    HostRow,
    JournalRow,
    Kind,
    Reconciliation,
    Severity,
    Sides,
    UnreadableRow,
)

MAX_ROWS = 5_000_000
"""Rows of one side of one date."""
LOOKUP_ROWS = 500
"""References asked for at once."""
GIVEN_BACK = frozenset({State.REVERSED, State.CLOSED_NOT_POSTED})
"""States that agree with a host that posted it and took it back."""
_RANK = {severity: rank for rank, severity in enumerate(WORST_FIRST)}

Lookup = Callable[[Sequence[str]], Iterable[JournalRow]]
"""Journal rows by reference, of any date; what is not there is not given."""
FileRows = Iterable[HostRow | UnreadableRow]


class TooManyRows(ValueError):  # noqa: N818 - reads as what it is
    """A side with more rows than one date can have."""


def compare(
    day: date,
    journal: Iterable[JournalRow],
    totals: HostTotals | None,
    file: FileRows | None,
    lookup: Lookup,
) -> Reconciliation:
    """Compare what is there of the three sides.

    `journal` gives the money requests that count on `day` or were recorded under it, and older ones
    still open. `lookup` is asked for references that only the file has: a row that was declined, or
    of another date.
    """
    work = _Comparison(day, file is not None)
    for row in journal:
        work.take(row)
    if file is not None:
        work.read(file, lookup)
    work.close()
    return work.result(totals)


@dataclass(slots=True)
class _Comparison:
    """The state of one comparison."""

    day: date
    has_file: bool
    books: dict[str, JournalRow] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    sums: Sums = field(default_factory=Sums)
    findings: list[Finding] = field(default_factory=list)
    rows: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))
    file_rows: int = 0

    # -- the journal --------------------------------------------------------------------------

    def take(self, row: JournalRow) -> None:
        if len(self.books) >= MAX_ROWS:
            raise TooManyRows(f"the journal has more than {MAX_ROWS} rows of {self.day}")
        if row.reference in self.books:
            return
        self.books[row.reference] = row
        sums = self.sums.journal[row.currency]
        if row.fee is None:
            sums.fees_known = False
        if self._counts(row):
            sums.posted += 1
            sums.posted_minor += row.amount
            sums.fees += row.fee or 0
        else:
            self.sums.loose[row.currency].extend(self._loose(row))

    def _loose(self, row: JournalRow) -> Iterable[Change]:
        """What the row would change here, where we cannot know whether it counts."""
        change = (1, row.amount, row.fee or 0)
        if row.state in UNSETTLED or (row.undone_later and row.effective == self.day):
            yield change
        elif row.undone_later and row.reversed_on == self.day:
            yield (-change[0], -change[1], -change[2])

    def _counts(self, row: JournalRow) -> bool:
        return row.state in DONE and row.effective == self.day

    # -- the file -----------------------------------------------------------------------------

    def read(self, file: FileRows, lookup: Lookup) -> None:
        strangers: list[HostRow] = []
        for row in file:
            self.file_rows += 1
            if self.file_rows > MAX_ROWS:
                raise TooManyRows(f"the file has more than {MAX_ROWS} rows")
            if isinstance(row, UnreadableRow):
                self._unreadable(row)
                continue
            self._count(row)
            ours = self.books.get(row.reference)
            if row.reference in self.seen:
                self._file([of_host(Kind.DUPLICATE_AT_HOST, row, ours)], row.currency)
                continue
            self.seen.add(row.reference)
            if ours is not None:
                self._pair(ours, row)
                continue
            strangers.append(row)
            if len(strangers) >= LOOKUP_ROWS:
                self._look_up(strangers, lookup)
                strangers = []
        self._look_up(strangers, lookup)

    def _unreadable(self, row: UnreadableRow) -> None:
        ours = self.books.get(row.reference)
        if ours is not None:
            self.seen.add(row.reference)
            self.sums.suspect.add(ours.currency)
        self._file([unreadable(row, ours)])

    def _count(self, row: HostRow) -> None:
        undone_today = self._undone_today(row)
        if row.business_date != self.day and not undone_today:
            return
        sums = self.sums.file[row.currency]
        if row.fee is None:
            sums.fees_known = False
        if not undone_today:
            sums.posted += 1
            sums.posted_minor += row.amount
        if row.status == "reversed":
            sums.reversed += 1
            sums.reversed_minor += row.amount
        sums.fees += (row.fee or 0) * self._sign(row)

    def _undone_today(self, row: HostRow) -> bool:
        """Posted on an earlier date, reversed on this one."""
        return row.status == "reversed" and row.business_date < self.day

    def _sign(self, row: HostRow) -> int:
        """How the row changes the host's net of this date."""
        if self._undone_today(row):
            return -1
        return 1 if row.status == "posted" and row.business_date == self.day else 0

    def _look_up(self, strangers: Sequence[HostRow], lookup: Lookup) -> None:
        if not strangers:
            return
        found = {row.reference: row for row in lookup([row.reference for row in strangers])}
        for row in strangers:
            ours = found.get(row.reference)
            if ours is not None:
                self._pair(ours, row)
            else:
                self._file([of_host(Kind.ONLY_AT_HOST, row, None)], row.currency)

    def _pair(self, ours: JournalRow, theirs: HostRow) -> None:
        """Both sides have it."""
        found = list(self._judge(ours, theirs))
        sign = self._undo(ours, theirs) if ours.state in GIVEN_BACK else int(self._counts(ours))
        mine = (ours.currency, sign, sign * ours.amount, sign * (ours.fee or 0))
        their_sign = self._sign(theirs)
        other = (
            theirs.currency,
            their_sign,
            their_sign * theirs.amount,
            their_sign * (theirs.fee or 0),
        )
        nothing = sign == their_sign == 0
        self._file(found, *(() if nothing or mine == other else (mine[0], other[0])))

    def _undo(self, ours: JournalRow, theirs: HostRow) -> int:
        """Of a row that was given back the host alone tells where it counts: take it into our sums
        where it agrees with us, and return how it changes our net."""
        sums, sign = self.sums.journal[ours.currency], self._sign(theirs)
        if not self._states_agree(ours, theirs):
            return 0
        posted, undone = int(theirs.business_date == self.day), int(theirs.status == "reversed")
        sums.posted += posted
        sums.posted_minor += posted * ours.amount
        sums.reversed += undone
        sums.reversed_minor += undone * ours.amount
        sums.fees += sign * (ours.fee or 0)
        return sign

    def _states_agree(self, ours: JournalRow, theirs: HostRow) -> bool:
        """Whether our state is what the file must say at the end of its date."""
        if theirs.status == "reversed":
            return ours.state in GIVEN_BACK
        return ours.state in DONE or self._undone_after(ours)

    def _undone_after(self, ours: JournalRow) -> bool:
        """Reversed, but on a date after this one."""
        return (
            ours.state is State.REVERSED
            and ours.reversed_on is not None
            and ours.reversed_on > self.day
        )

    def _judge(self, ours: JournalRow, theirs: HostRow) -> Iterable[Finding]:
        if ours.state in UNSETTLED:
            yield pair(Kind.STILL_OPEN, Severity.EXPLAINED, ours, theirs, theirs.status)
        elif not self._states_agree(ours, theirs):
            yield pair(Kind.STATE_DIFFERS, Severity.DIFFERENCE, ours, theirs, theirs.status)
        yield from judge_money(ours, theirs)
        yield from self._judge_dates(ours, theirs)

    def _judge_dates(self, ours: JournalRow, theirs: HostRow) -> Iterable[Finding]:
        if self._undone_today(theirs):
            if ours.state in GIVEN_BACK:
                told_other = ours.reversed_on not in (None, self.day)
                yield dated(worse(told_other), ours, theirs)
        elif theirs.business_date != self.day:
            yield dated(Severity.DIFFERENCE, ours, theirs)
        elif ours.state in UNSETTLED:
            return
        elif theirs.status == "posted" and self._undone_after(ours):
            yield dated(Severity.EXPLAINED, ours, theirs)
        elif ours.effective != self.day:
            # Without the host's date we only know when we recorded it: it went over at cut-over.
            yield dated(worse(ours.settled_on is not None), ours, theirs)

    # -- the end ------------------------------------------------------------------------------

    def close(self) -> None:
        """Rows of the journal that the file does not have."""
        for row in self.books.values():
            if row.reference in self.seen:
                continue
            if row.state in UNSETTLED:
                self._file([absent(Kind.STILL_OPEN, Severity.EXPLAINED, row)])
            elif self._counts(row):
                self._missing(row)
            elif row.state in DONE:
                self._file([dated(Severity.EXPLAINED, row, None)])
            elif row.state is State.REVERSED:
                loose = row.undone_later and not self.has_file
                self._file([dated(Severity.EXPLAINED, row, None)] if loose else [])

    def _missing(self, row: JournalRow) -> None:
        if self.has_file:
            found = absent(Kind.ONLY_IN_JOURNAL, Severity.DIFFERENCE, row)
            self._file([found], row.currency)
        else:
            self.rows[Severity.UNCHECKED] += 1

    def _file(self, found: Sequence[Finding], *moved: str) -> None:
        """Keep one transaction's findings; `moved` are currencies whose sums it changes."""
        self.findings.extend(found)
        worst = min((one.severity for one in found), key=_RANK.__getitem__, default=Severity.AGREED)
        self.rows[worst] += 1
        if worst is Severity.DIFFERENCE:
            self.sums.suspect.update(moved)

    def result(self, totals: HostTotals | None) -> Reconciliation:
        """The sums judged, and everything in order."""
        told = totals.by_currency if totals is not None else {}
        currencies: dict[str, Sides] = {}
        for code in sorted({*self.sums.journal, *self.sums.file, *told}):
            sides = Sides(
                journal=self.sums.journal[code],
                totals=_told(totals, code),
                file=self.sums.file[code] if self.has_file else None,
            )
            currencies[code] = sides
            self.findings.extend(judge_totals(code, sides, self.sums))
        self.findings.sort(key=lambda one: (_RANK[one.severity], one.reference, one.kind))
        return Reconciliation(
            business_date=self.day,
            findings=self.findings,
            rows=self.rows,
            currencies=currencies,
            has_totals=totals is not None,
            has_file=self.has_file,
            journal_rows=len(self.books),
            file_rows=self.file_rows,
        )


def _told(totals: HostTotals | None, code: str) -> Figures | None:
    """The host's figures; nothing told of a currency is nothing posted in it."""
    if totals is None:
        return None
    told = totals.by_currency.get(code)
    return figures_of(told) if told is not None else Figures()
