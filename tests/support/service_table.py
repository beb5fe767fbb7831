"""Groups Q, X, B and N of the feature inventory as cases, one for each row at least.

Amounts and sub-accounts are those of `core_adapters.corehost.products.planting.SMALL`, which every
test card has.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from core_adapters.corehost.products import information
from core_adapters.corehost.products.history import RECENT
from core_adapters.corehost.products.market import load_market
from core_adapters.corehost.rules import EVERY_DAY, Rules
from core_adapters.corehost.seed import SeedCard, trial_set
from support.money_caller import fen
from support.money_stage import Day
from support.service_books import PAGE, Books, Posted, Values
from support.service_calls import (
    NO_VALUES,
    Case,
    Money,
    Outcome,
    Passage,
    Spoken,
    Visit,
    assert_heard,
)
from transactions.card import CardNumber

MORE, END = ("list.more", NO_VALUES), ("list.end", NO_VALUES)
BACK = ("sys.back", NO_VALUES)
PAYEE = trial_set()[60]
"""The empty card: it only ever receives."""
SUBS = {
    "savings": "0001",
    "passbook": "0002",
    "time": "0003",
    "instalment": "0005",
    "either": "0006",
    "notice": "0007",
}
"""The first seeded deposit of each kind."""
AREA = "880001"
NEW_PIN = "280614937520"


def typed(**entries: str) -> Callable[[Books, SeedCard], Mapping[str, str]]:
    """The same entries whoever calls."""
    return lambda _books, _who: entries


def listed(prompt: str, rows: Sequence[Values]) -> list[Passage]:
    """A list as it is read out: page by page, each followed by its menu."""
    pages = [rows[at : at + PAGE] for at in range(0, len(rows), PAGE)]
    ends = [MORE] * (len(pages) - 1) + [END]
    return [[*((prompt, row) for row in page), end] for page, end in zip(pages, ends, strict=True)]


def turned(pages: int) -> str:
    """The keys that ask for each further page."""
    return " ".join(["@list.more !1"] * (pages - 1))


# -- Q: the card's account --------------------------------------------------------------------


def balance(books: Books, who: SeedCard) -> list[Passage]:
    """What the card can spend and what its account holds."""
    held = fen(books.held(who.account))
    return [
        [("bal.amount", {"card": CardNumber(who.card).masked, "available": held, "ledger": held})]
    ]


def _today(books: Books, who: SeedCard) -> list[Passage]:
    return listed("list.today", books.entries(who, books.today))


def _recent(books: Books, who: SeedCard) -> list[Passage]:
    return listed("list.entry", books.entries(who, books.today - RECENT))


def _unposted(books: Books, who: SeedCard) -> list[Passage]:
    return listed("list.entry", books.unposted(who))


def _savings(books: Books, who: SeedCard) -> list[Passage]:
    (savings,) = books.deposits(who, "savings")
    held = fen(savings.held)
    return [[("sav.amount", {"available": held, "ledger": held})]]


def _points(books: Books, who: SeedCard) -> list[Passage]:
    held = books.points(who)
    assert held.points > 0
    return [[("pts.amount", {"points": held.points, "spent": held.spent})]]


def _deposits(books: Books, who: SeedCard) -> list[Passage]:
    rows = [
        {"sub": one.sub, "kind": one.kind, "amount": fen(one.held), "rate": one.rate}
        for one in books.deposits(who)
    ]
    return listed("list.deposit", rows)


# -- X: transfers -----------------------------------------------------------------------------


def transferred(yuan: str, minor: int, row: str = "X-01") -> Case:
    """Card to card."""
    return Case(
        row,
        "transfer.card_to_card",
        entries=typed(PAYEE=PAYEE.card, AMOUNT=yuan),
        asked=("transfer.quote ok", "transfer.card_to_card ok"),
        money=Money(
            "transfer.card_to_card",
            "tr.confirm",
            lambda _books, _who, posted: {
                "payee_masked": CardNumber(PAYEE.card).masked,
                "amount": posted.amount,
                "fee": posted.charged,
            },
            lambda _books, who, posted: _paid(who, posted, PAYEE.account),
            done="tr.done",
            minor=minor,
        ),
    )


def _paid(who: SeedCard, posted: Posted, to: str) -> Mapping[str, int]:
    """From the card to another account, and the fee to the bank."""
    legs = {who.account: -posted.minor - posted.fee, to: posted.minor}
    return legs | ({"fees:CNY": posted.fee} if posted.fee else {})


def placed(row: str, kind: str, term: str, yuan: str) -> Case:
    """From the card into a deposit."""

    def into(books: Books, who: SeedCard, posted: Posted) -> str:
        had = kind in ("savings", "passbook", "instalment")
        return f"D{who.account}{SUBS[kind]}" if had else books.opened_by(posted.key)

    def terms(books: Books, who: SeedCard, posted: Posted) -> Values:
        ident = into(books, who, posted)
        (deposit,) = (one for one in books.deposits(who, kind) if one.id == ident)
        assert deposit.term == term
        values = {"kind": kind, "amount": posted.amount, "rate": deposit.rate}
        return values | {"fee": posted.charged} | ({"term": term} if term else {})

    return Case(
        row,
        f"deposit.place kind={kind}" + (f" term={term}" if term else ""),
        entries=typed(AMOUNT=yuan),
        asked=("deposit.place_quote ok", "deposit.place ok"),
        money=Money(
            "deposit.place",
            "place.confirm_term" if term else "place.confirm",
            terms,
            lambda books, who, posted: _paid(who, posted, into(books, who, posted)),
            minor=_fen(yuan),
        ),
    )


def drawn(row: str, kind: str, sub: str = "", part: str = "", pick: str = "1") -> Case:
    """From a deposit to the card, a part or all of it."""
    number = sub or SUBS[kind]

    def items(books: Books, who: SeedCard) -> list[Passage]:
        rows: list[Spoken] = [
            ("draw.item", {"kind": kind, "sub": one.sub, "amount": fen(one.held), "n": n})
            for n, one in enumerate(books.deposits(who, kind), 1)
        ]
        return [[*rows, BACK]]

    def legs(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
        ident, interest = f"D{who.account}{number}", posted.interest.minor
        assert books.closed_by(posted.key) == ([] if part else [ident])
        # Savings and passbooks earn with the interest run, everything else when it is drawn.
        assert (interest > 0) == (kind not in ("savings", "passbook"))
        whole = {ident: -posted.minor, who.account: posted.minor + interest}
        return whole | ({"interest:CNY": -interest} if interest else {})

    return Case(
        row,
        f"deposit.draw kind={kind}",
        entries=typed(ROW=pick, PART=part) if part else typed(ROW=pick),
        waits={"ROW": "sys.back"},
        heard=items,
        asked=("deposit.list last", "deposit.draw_quote ok", "deposit.draw ok"),
        money=Money(
            "deposit.draw",
            "draw.confirm_part" if part else "draw.confirm_all",
            lambda _books, _who, posted: {
                "kind": kind,
                "amount": posted.amount,
                "interest": posted.interest,
                "fee": posted.charged,
            },
            legs,
            minor=_fen(part) if part else None,
        ),
    )


def _fen(yuan: str) -> int:
    whole, _, rest = yuan.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or 0)


# -- B: bills ---------------------------------------------------------------------------------


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


def _sum(bills: Sequence[object]) -> object:
    return fen(sum(one.minor for one in bills))  # type: ignore[attr-defined]


def _months(bills: Sequence[object], today: date) -> list[Spoken]:
    return [
        (
            "bill.months",
            {"month": b.month, "amount": fen(b.minor), "state": b.state(today), "n": n},  # type: ignore[attr-defined]
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
        return _paid(who, posted, f"claims:{biller}")

    waits: dict[int | str, str] = {-2: "bill.choose"}
    if month is not None:
        waits = {-4: "bill.choose"} | {"ROW": "sys.back", -2: "bill.month"}
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


# -- N: information ---------------------------------------------------------------------------


def told(row: str, service: str, prompt: str, rows: Sequence[Values]) -> Case:
    """A table that anybody may hear."""
    pages = -(-len(rows) // PAGE)
    return Case(
        row,
        service,
        then=turned(pages),
        until="list.end",
        heard=lambda _books, _who: listed(prompt, rows),
        asked=(*(f"{service} ok",) * (pages - 1), f"{service} last"),
        card=False,
    )


def nearby(service: str, prompt: str, table: str) -> Case:
    """Branches or merchants in an area."""
    rows = [{"name": name} for name in information.places(table, AREA)]
    return Case(
        "N-07",
        service,
        entries=typed(AREA=AREA),
        until="list.end",
        heard=lambda _books, _who: listed(prompt, rows),
        asked=(f"{service} ok",),
        card=False,
        name=table,
    )


def text(row: str, prompt: str) -> Case:
    """A text that is a service."""
    return Case(
        row,
        f"“{prompt}”",
        until=prompt,
        heard=lambda _books, _who: [[(prompt, NO_VALUES)]],
        card=False,
    )


def rates(rows: Sequence[tuple[str, object]]) -> list[Values]:
    """Words with their rates, as rows."""
    return [{"what": what, "rate": rate} for what, rate in rows]


def assert_fx_rates(day: Day, visit: Visit, outcome: Outcome) -> None:
    """Each page with the market's rates of a moment of the call."""
    market = load_market(Rules(market_days=EVERY_DAY))
    ticks = range(market.last(outcome.began), market.last(outcome.ended) + 1)
    for page in range(FX_PAGES):
        wrong = []
        for tick in ticks:
            rows = information.fx_rates(market, market.began(tick))
            spoken = [{"unit": unit, "buy": buy, "sell": sell} for unit, buy, sell in rows]
            passage = listed("info.fx_rate", spoken)[page]
            try:
                assert_heard(day, outcome.heard, visit.language, [passage])
                break
            except AssertionError as error:
                wrong.append(error)
        else:
            raise wrong[0]


FX_PAGES = 2

Q: Sequence[Case] = (
    Case("Q-01", "card.balance", until="bal.amount", heard=balance, asked=("card.balance ok",)),
    Case(
        "Q-02",
        "card.today",
        until="list.end",
        heard=_today,
        asked=("card.today last",),
        first=transferred("12.34", 1_234),
    ),
    Case(
        "Q-03",
        "card.recent",
        then=turned(2),
        until="list.end",
        heard=_recent,
        asked=("card.recent ok", "card.recent last"),
    ),
    Case(
        "Q-04",
        "card.unposted",
        until="list.end",
        heard=_unposted,
        asked=("card.unposted last",),
    ),
    Case(
        "Q-05",
        "card.savings_balance",
        until="sav.amount",
        heard=_savings,
        asked=("card.savings_balance ok",),
    ),
    Case(
        "Q-05",
        "deposit.list",
        then=turned(2),
        until="list.end",
        heard=_deposits,
        asked=("deposit.list ok", "deposit.list last"),
        name="deposits",
    ),
    Case("Q-06", "card.points", until="pts.amount", heard=_points, asked=("card.points ok",)),
    Case(
        "Q-07",
        "card.balance",
        entries=typed(PIN=NEW_PIN),
        until="bal.amount",
        heard=balance,
        asked=("card.balance ok",),
        first=Case(
            "Q-07",
            "pin.change",
            entries=typed(NEW_PIN=NEW_PIN),
            until="pin.done",
            heard=lambda _books, _who: [[("pin.done", NO_VALUES)]],
            asked=("pin.change ok",),
            left=("pin.change", "APPROVED", "ok"),
        ),
    ),
)
X: Sequence[Case] = (
    transferred("6000.50", 600_050),
    placed("X-02", "savings", "", "120.50"),
    placed("X-03", "time", "m3", "100"),
    placed("X-04", "instalment", "y1", "100"),
    placed("X-05", "either", "", "88.88"),
    placed("X-06", "notice", "d7", "1000"),
    placed("X-07", "passbook", "", "0.01"),
    drawn("X-08", "savings", part="999.99"),
    drawn("X-09", "time", sub="0004", part="100", pick="2"),
    drawn("X-10", "time"),
    drawn("X-11", "instalment"),
    drawn("X-12", "either"),
    drawn("X-13", "notice", part="500.50"),
    drawn("X-14", "notice"),
    drawn("X-15", "passbook", part="300"),
)
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
N: Sequence[Case] = (
    text("N-01", "info.services"),
    told("N-02", "info.deposit_rates", "info.deposit_rate", rates(information.deposit_rates())),
    told(
        "N-03", "info.loan_rates", "info.loan_rate", rates(information.stated_rates("loan_rates"))
    ),
    told("N-04", "info.fx_deposit_rates", "info.fx_deposit_rate", rates(information.told_rates())),
    Case(
        "N-05",
        "info.fx_rates",
        then=turned(FX_PAGES),
        until="list.end",
        asked=("info.fx_rates ok", "info.fx_rates last"),
        card=False,
        check=assert_fx_rates,
    ),
    told(
        "N-06",
        "info.fees",
        "info.fee",
        [{"what": what, "amount": fee} for what, fee in information.fees()],
    ),
    nearby("info.branches", "info.branch", "branches"),
    nearby("info.merchants", "info.merchant", "merchants"),
    text("N-08", "info.products"),
)
