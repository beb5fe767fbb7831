"""Group F of the feature inventory: foreign exchange."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from core_adapters.corehost.products.exchange.accounts import FxAccounts, FxDeposit, FxHolding
from core_adapters.corehost.products.exchange.market import Market, load_market
from core_adapters.corehost.products.exchange.moves import FxMoves
from core_adapters.corehost.products.exchange.orders import FxBook, FxOrder
from core_adapters.corehost.products.orders import Orders
from core_adapters.corehost.rules import BANK_OFFSET, EVERY_DAY, Rules
from core_adapters.corehost.seed import SeedCard
from support.money_stage import Day
from support.service_books import Books, Posted, Values
from support.service_calls import NO_VALUES, Case, Money, Outcome, Passage, Visit, assert_heard
from support.service_information import FX_PAGES, assert_fx_rates
from support.service_lists import (
    confirmed,
    listed,
    picked,
    turned,
    typed,
)
from transactions.money import Money as Amount

INVEST = ("1", "CARD#", "PIN#", "4")


def assert_fx_rate(day: Day, visit: Visit, outcome: Outcome) -> None:
    """One rate with its time, of a moment of the call."""
    market, wrong = market_now(), []
    for tick in range(market.last(outcome.began), market.last(outcome.ended) + 1):
        rate = market.rate("cny", "usd", tick)
        at = (market.began(tick) + BANK_OFFSET).time()
        told = {"from": "cny", "to": "usd", "buy": rate.buy, "sell": rate.sell, "at": at}
        try:
            assert_heard(day, outcome.heard, visit.language, [[("fx.rate", told)]])
        except AssertionError as error:
            wrong.append(error)
        else:
            return
    raise wrong[0]


def market_now() -> Market:
    return load_market(Rules(market_days=EVERY_DAY))


def _fx_balance(books: Books, who: SeedCard) -> list[Passage]:
    rows = [{"amount": one.amount, "available": one.available} for one in _holdings(books, who)]
    return listed("fx.balance", rows)


def _holdings(books: Books, who: SeedCard) -> Sequence[FxHolding]:
    with books.office() as office:
        return FxMoves(office, Orders(office, {})).holdings(who.account)


def _fx_accounts(books: Books, who: SeedCard) -> list[FxDeposit]:
    with books.office() as office:
        return FxAccounts(office.db).of_account(who.account)


def _fx_deposits(books: Books, who: SeedCard) -> list[Passage]:
    rows = [
        {"sub": one.sub, "kind": one.kind, "amount": one.held, "rate": one.rate}
        for one in _fx_accounts(books, who)
    ]
    return listed("fx.deposit", rows)


def _fx_items(books: Books, who: SeedCard) -> list[Passage]:
    rows = [
        {"sub": one.sub, "kind": one.kind, "amount": one.held} for one in _fx_accounts(books, who)
    ]
    return picked("fx.item", rows)


def _fx_units(books: Books, who: SeedCard) -> list[Passage]:
    return picked("fx.unit", [{"amount": one.amount} for one in _holdings(books, who)])


def _dealt(_books: Books, who: SeedCard, posted: Posted) -> Values:
    """The rate is that of the tick in which it was quoted."""
    market = market_now()
    quoted = market.tick(datetime.fromisoformat(posted.effect["rate_at"]))
    rate = market.rate("cny", "usd", quoted).buy
    gets = next(minor for name, minor in posted.legs.items() if name.startswith("X"))
    usd = _usd(gets)
    return {"amount": posted.amount, "gets": usd, "rate": rate, "fee": posted.charged}


def _usd(minor: int) -> Amount:
    return Amount.parse(str(Decimal(minor) / 100), "USD")


def _limit(two: bool = False) -> Callable[[Books, SeedCard], Mapping[str, str]]:
    """A rate that the market does not come to while the test runs; the other one as far below."""

    def entries_(_books: Books, _who: SeedCard) -> Mapping[str, str]:
        pays = market_now().rate("cny", "usd", market_now().last(datetime.now(UTC))).buy
        near = {"AMOUNT": "1000", "LIMIT": f"{pays * Decimal('1.08'):.2f}"}
        return near | ({"OTHER": f"{pays * Decimal('0.92'):.2f}"} if two else {})

    return entries_


def _order(books: Books, posted: Posted) -> FxOrder:
    with books.office() as office:
        return FxBook(office.db).placed_by(posted.key)[0]


def _ordered(confirm: str, two: bool = False) -> Money:
    def terms(books: Books, _who: SeedCard, posted: Posted) -> Values:
        order = _order(books, posted)
        about = posted.about
        terms = {"amount": posted.amount, "to": "usd", "limit": Decimal(about["limit"])}
        terms |= {"fee": posted.charged, "ends": order.until}
        return terms | ({"other": Decimal(about["other_limit"])} if two else {})

    def legs(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
        return {who.account: -posted.minor - posted.fee, _order(books, posted).hold: posted.minor}

    return Money("fx.order", confirm, terms, legs, minor=100_000)


def _orders(books: Books, who: SeedCard) -> list[Passage]:
    with books.office() as office:
        found = FxBook(office.db).of_account(who.account)
    rows = [
        {
            "order": f"{one.number:06d}",
            "state": one.state,
            "amount": one.amount,
            "to": "usd",
            "limit": one.wanted.limit,
        }
        for one in found
    ]
    return picked("fx.order", rows)


def _merged(books: Books, who: SeedCard, posted: Posted) -> Mapping[str, int]:
    """All demand deposits of the currency are one now."""
    usd = [one for one in _fx_accounts(books, who) if one.held.currency == posted.unit]
    (demand,) = (one for one in usd if not one.term)
    assert demand.held == posted.amount
    return {demand.id: posted.legs[demand.id]}


def _rolled(books: Books, who: SeedCard, posted: Posted) -> Values:
    ident = books.opened_by(posted.key, "fx_deposit")
    (new,) = (one for one in _fx_accounts(books, who) if one.id == ident)
    assert new.held == posted.amount
    terms = {"amount": posted.amount, "term": "m3", "rate": new.rate, "matures": new.matures}
    return terms | {"fee": posted.charged}


ORDERED = confirmed("F-10", "fx.order", _ordered("fx.confirm_order"), "fx.order_quote",
                    entries=_limit())  # fmt: skip
F: Sequence[Case] = (
    Case("F-01", "fx.rate", until="fx.rate", asked=("fx.rate ok",), check=assert_fx_rate),
    Case("F-02", "info.fx_rates", keys=(*INVEST, "3", "1", "2"), then=turned(FX_PAGES),
         until="list.end", asked=("info.fx_rates ok", "info.fx_rates last"),
         check=assert_fx_rates),
    Case("F-03", "fx.balance", until="list.end", heard=_fx_balance, asked=("fx.balance last",)),
    Case("F-04", "fx.deposits", until="list.end", heard=_fx_deposits,
         asked=("fx.deposits last",)),
    confirmed("F-05", "fx.deal", Money("fx.deal", "fx.confirm", _dealt,
              lambda _books, who, posted: {who.account: -posted.minor - posted.fee},
              minor=100_000, whole=False), "fx.quote", entries=typed(AMOUNT="1000")),
    Case("F-07", "“fax.ways”", keys=(*INVEST, "3", "2", "3"), until="fax.ways",
         heard=lambda _books, _who: [[("fax.ways", NO_VALUES)]]),
    confirmed("F-08", "fx.merge", Money("fx.merge", "fx.confirm_merge",
              lambda _books, _who, posted: {"amount": posted.amount, "fee": posted.charged},
              _merged, minor=62_000, whole=False), "fx.merge_quote", _fx_units,
              entries=typed(ROW="1"), before=("fx.balance last",)),
    confirmed("F-09", "fx.roll term=m3", Money("fx.roll", "fx.confirm_roll", _rolled,
              lambda _books, _who, _posted: {}, whole=False), "fx.roll_quote", _fx_items,
              entries=typed(ROW="3"), before=("fx.deposits last",)),
    ORDERED,
    confirmed("F-11", "fx.cancel", Money("fx.cancel", "fx.confirm_cancel",
              lambda _books, _who, posted: {"amount": posted.amount, "fee": posted.charged},
              lambda _books, who, posted: {who.account: posted.minor}, minor=100_000,
              whole=False), "fx.cancel_quote", _orders, entries=typed(ROW="1"),
              before=("fx.orders last",), first=ORDERED),
    Case("F-12", "fx.orders", until="sys.back", heard=_orders, asked=("fx.orders last",),
         first=ORDERED),
    confirmed("F-13", "fx.order", _ordered("fx.confirm_two", two=True), "fx.order_quote",
              entries=_limit(two=True)),
)  # fmt: skip
