"""Groups L and G of the feature inventory: loans and treasury bonds.

What customers have is that of the `SMALL…` seeds of `core_adapters.corehost.products`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from core_adapters.corehost.products.bonds.holdings import Bonds, sold
from core_adapters.corehost.products.bonds.orders import BondOrders
from core_adapters.corehost.products.loans.accounts import Loans
from core_adapters.corehost.products.loans.orders import LoanOrders
from core_adapters.corehost.products.orders import Orders
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.seed import SeedCard
from support.money_caller import fen
from support.service_books import CNY, Books, Posted, Values
from support.service_calls import Case, Money, Passage
from support.service_lists import (
    confirmed,
    picked,
    typed,
)
from support.service_table import drawn

LOAN = "6001"
"""The seeded loan."""


def _loans(books: Books, who: SeedCard) -> list[Passage]:
    with books.office() as office:
        found = Loans(office.db).of_account(who.account)
    rows = [
        {
            "sub": one.sub,
            "kind": one.kind,
            "amount": fen(one.owed),
            "rate": one.rate,
            "matures": one.matures,
        }
        for one in found
    ]
    return picked("loan.item", rows)


def _loan_due(books: Books, who: SeedCard) -> list[Passage]:
    with books.office() as office:
        due = LoanOrders(office, Orders(office, {})).due(who.card, LOAN, datetime.now(UTC))
    assert not isinstance(due, Refusal)
    told = {
        "principal": due.principal,
        "interest": due.interest,
        "due": due.due,
        "matures": due.matures,
    }
    return [*_loans(books, who), [("loan.due", told)]]


def _lent(kind: str) -> Money:
    def terms(books: Books, who: SeedCard, posted: Posted) -> Values:
        ident = books.opened_by(posted.key, "loan")
        with books.office() as office:
            (loan,) = (o for o in Loans(office.db).of_account(who.account) if o.id == ident)
        assert loan.kind == kind
        terms = {"kind": kind, "amount": posted.amount, "rate": loan.rate}
        return terms | {"matures": loan.matures, "fee": posted.charged}

    def legs(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
        paid_out = {
            books.opened_by(posted.key, "loan"): -posted.minor,
            who.account: posted.minor - posted.fee,
        }
        return paid_out | ({"fees:CNY": posted.fee} if posted.fee else {})

    confirm = "loan.confirm_pledged" if kind == "pledged" else "loan.confirm"
    return Money("loan.open", confirm, terms, legs)


def _repaid(left: bool) -> Money:
    def interest(posted: Posted) -> int:
        return posted.legs.get("loan_interest:CNY", 0)

    def legs(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
        ident, earned = f"loan:{who.account}{LOAN}", interest(posted)
        assert earned > 0
        assert (books.held(ident) < 0) == left
        whole = {ident: posted.minor, who.account: -posted.minor - earned - posted.fee}
        return whole | {"loan_interest:CNY": earned}

    return Money(
        "loan.repay",
        "loan.confirm_repay",
        lambda _books, _who, posted: {
            "amount": posted.amount,
            "interest": fen(interest(posted)),
            "fee": posted.charged,
        },
        legs,
    )


def _pledges(books: Books, who: SeedCard) -> list[Passage]:
    return list(drawn("", "time").heard(books, who))


# -- G: treasury bonds ------------------------------------------------------------------------


def _bonds(books: Books, who: SeedCard) -> list[Passage]:
    with books.office() as office:
        found = Bonds(office.db).of_account(who.account)
    rows = [
        {
            "sub": one.sub,
            "issue": one.issue,
            "amount": fen(one.held),
            "rate": one.rate,
            "matures": one.terms.matures,
        }
        for one in found
    ]
    return picked("bond.item", rows)


def _issues(books: Books, _who: SeedCard) -> list[Passage]:
    with books.office() as office:
        found = BondOrders(office, Orders(office, {})).on_sale(datetime.now(UTC))
    rows = [{"issue": one.name, "rate": one.rate, "until": until} for one, until in found]
    return picked("bond.issue", rows)


def _bought(books: Books, who: SeedCard, posted: Posted) -> Values:
    ident = books.opened_by(posted.key, "bond", "bought_by")
    with books.office() as office:
        (bond,) = (one for one in Bonds(office.db).of_account(who.account) if one.id == ident)
    terms = {"issue": bond.issue, "amount": posted.amount, "rate": bond.rate}
    return terms | {"matures": bond.terms.matures, "fee": posted.charged}


def _bought_legs(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
    ident = books.opened_by(posted.key, "bond", "bought_by")
    return {leg.account: leg.minor for leg in sold(ident, who.account, posted.minor, CNY)}


def _redeemed(sub: str, early: str, left: int = 0) -> Money:
    def earned(who: SeedCard, posted: Posted) -> int:
        return posted.legs[who.account] - posted.minor + posted.fee

    def legs(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
        ident, interest = f"B{who.account}{sub}", earned(who, posted)
        assert interest > 0
        assert books.held(ident) == left
        return {
            ident: -posted.minor,
            who.account: posted.minor + interest - posted.fee,
            "treasury:CNY": -posted.minor - interest,
        }

    return Money(
        "bond.redeem",
        "bond.confirm_redeem",
        lambda _books, who, posted: {
            "early": early,
            "amount": posted.amount,
            "interest": fen(earned(who, posted)),
            "fee": posted.charged,
        },
        legs,
        whole=False,
    )


L: Sequence[Case] = (
    Case("L-02", "loan.list", until="sys.back", heard=_loans, asked=("loan.list last",)),
    Case(
        "L-03",
        "loan.interest",
        entries=typed(ROW="1"),
        waits={"ROW": "sys.back"},
        until="loan.due",
        heard=_loan_due,
        asked=("loan.list last", "loan.interest ok"),
    ),
    confirmed("L-01", "loan.open kind=pledged term=m3", _lent("pledged"), "loan.open_quote",
              _pledges, entries=typed(ROW="1", AMOUNT="500"), before=("deposit.list last",)),
    confirmed("L-04", "loan.open kind=self_service term=y1", _lent("self_service"),
              "loan.open_quote", entries=typed(AMOUNT="1000.50")),
    confirmed("L-05", "loan.repay", _repaid(left=True), "loan.repay_quote", _loans,
              entries=typed(ROW="1", PART="200"), before=("loan.list last",)),
    confirmed("L-06", "loan.repay", _repaid(left=False), "loan.repay_quote", _loans,
              entries=typed(ROW="1"), before=("loan.list last",)),
)  # fmt: skip
G: Sequence[Case] = (
    Case("G-02", "bond.list", until="sys.back", heard=_bonds, asked=("bond.list last",)),
    Case("G-03", "bond.issues", until="sys.back", heard=_issues, asked=("bond.issues last",)),
    confirmed("G-01", "bond.buy", Money("bond.buy", "bond.confirm", _bought, _bought_legs),
              "bond.buy_quote", _issues, entries=typed(ROW="1", AMOUNT="1000"),
              before=("bond.issues last",)),
    confirmed("G-04", "bond.redeem", _redeemed("8002", "early", 50_000), "bond.redeem_quote",
              _bonds, entries=typed(ROW="2", PART="500"), before=("bond.list last",)),
    confirmed("G-05", "bond.redeem", _redeemed("8001", "matured"), "bond.redeem_quote", _bonds,
              entries=typed(ROW="1"), before=("bond.list last",)),
)  # fmt: skip
