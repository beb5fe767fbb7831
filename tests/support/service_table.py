"""Groups Q and X of the feature inventory as cases, one for each row at least.

Amounts and sub-accounts are those of `core_adapters.corehost.products.plantings.accounts.SMALL`,
which every test card has.
"""

from collections.abc import Mapping, Sequence

from core_adapters.corehost.products.history import RECENT
from core_adapters.corehost.products.names import called
from core_adapters.corehost.seed import SeedCard, trial_set
from support.money_caller import fen
from support.service_books import Books, Posted, Values
from support.service_calls import (
    NO_VALUES,
    Case,
    Money,
    Passage,
    Spoken,
)
from support.service_lists import (
    BACK,
    fen_of,
    listed,
    paid_from,
    turned,
    typed,
)
from transactions.card import CardNumber

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
NEW_PIN = "280614937520"


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
        {
            "sub": one.sub,
            "name": called({}, one.sub, one.kind),
            "amount": fen(one.held),
            "rate": one.rate,
        }
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
            lambda _books, who, posted: paid_from(who, posted, PAYEE.account),
            done="tr.done",
            minor=minor,
        ),
    )


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
            lambda books, who, posted: paid_from(who, posted, into(books, who, posted)),
            minor=fen_of(yuan),
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
            minor=fen_of(part) if part else None,
        ),
    )


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
