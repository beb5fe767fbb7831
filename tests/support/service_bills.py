"""Group B of the feature inventory: each biller's bills, heard and paid."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from core_adapters.corehost.seed import SeedCard
from support.money_caller import fen
from support.service_books import Bill, Books, Posted
from support.service_calls import (
    NO_VALUES,
    Case,
    Money,
    Passage,
    Spoken,
)
from support.service_lists import (
    BACK,
    listed,
    paid_from,
)
from transactions.money import Money as Amount


def _owed(biller: str, month: int | None = None) -> Callable[[Books, SeedCard], list[Passage]]:
    """The total, and with `month` (row, from 1) all months too."""

    def heard(books: Books, who: SeedCard) -> list[Passage]:
        bills = books.bills(who, biller)
        unpaid = [one for one in bills if not one.paid_by]
        late = [one for one in unpaid if one.state(books.today) == "overdue"]
        assert late
        total = {"amount": _sum(unpaid), "arrears": _sum(late)}
        passages: list[Passage] = [[("bill.total", total), ("bill.choose", NO_VALUES)]]
        if month is not None:
            passages.append([*_months(bills, books.today), BACK])
        return passages

    return heard


def _sum(bills: Sequence[Bill]) -> Amount:
    return fen(sum(one.minor for one in bills))


def _months(bills: Sequence[Bill], today: date) -> list[Spoken]:
    return [
        (
            "bill.months",
            {"month": b.month, "amount": fen(b.minor), "state": b.state(today), "n": n},
        )
        for n, b in enumerate(bills, 1)
    ]


def paid(row: str, biller: str, month: int | None = None) -> Case:
    """A bill heard and paid, all of it or one month's."""

    def number(books: Books, who: SeedCard) -> Mapping[str, str]:
        entries = {"NUMBER": books.number(who, biller)}
        return entries if month is None else entries | {"ROW": str(month)}

    def legs(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
        bills = books.bills(who, biller)
        settled = [one for one in bills if one.paid_by == posted.key]
        assert len(settled) == (2 if month is None else 1)
        assert sum(one.minor for one in settled) == posted.minor
        return paid_from(who, posted, f"claims:{biller}")

    waits: dict[int | str, str] = {-2: "bill.choose"}
    if month is not None:
        waits = {-4: "bill.choose", "ROW": "sys.back", -2: "bill.month"}
    return Case(
        row,
        f"bill.pay biller={biller}",
        entries=number,
        waits=waits,
        heard=_owed(biller, month),
        asked=("bill.enquiry ok", *(("bill.enquiry ok",) if month else ()), "bill.pay ok"),
        money=Money(
            "bill.pay",
            "bill.confirm",
            lambda books, who, posted: {
                "number": books.number(who, biller),
                "biller": biller,
                "amount": posted.amount,
                "fee": posted.charged,
            },
            legs,
            done="bill.done",
        ),
    )


def _levels(biller: str, month: int) -> Callable[[Books, SeedCard], list[Passage]]:
    """In all, arrears, each month, and what one of them is made of."""

    def heard(books: Books, who: SeedCard) -> list[Passage]:
        rows = books.bills(who, biller)[month - 1].charges
        charges = [{"what": what, "amount": fen(minor)} for what, minor in rows]
        return [*_owed(biller, month)(books, who), *listed("bill.charge", charges)]

    return heard


B: Sequence[Case] = (
    paid("B-01", "fixed_phone"),
    paid("B-02", "mobile_cm"),
    paid("B-03", "water"),
    paid("B-04", "electricity"),
    paid("B-05", "pager"),
    paid("B-06", "internet"),
    paid("B-07", "mobile_cu"),
    Case(
        "B-08",
        "bill.breakdown biller=fixed_phone",
        entries=lambda books, who: {"NUMBER": books.number(who, "fixed_phone"), "ROW": "1"},
        waits={-3: "bill.choose", "ROW": "sys.back", -1: "bill.month"},
        until="list.end",
        heard=_levels("fixed_phone", 1),
        asked=("bill.enquiry ok", "bill.breakdown ok"),
    ),
    paid("B-09", "electricity", month=2),
)
