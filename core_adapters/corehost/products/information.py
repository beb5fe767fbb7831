"""What the bank tells anybody: rates, fees, branches and merchants; no card, nothing posted.

Field 3 says what is asked for (0200/3491 to 3498); 48.topic says the same in words.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from core_adapters.corehost.counter import OK, Counter, Handler
from core_adapters.corehost.listing import (
    PAGE,
    Row,
    money_column,
    page_of,
    paged,
    rate_text,
    time_text,
)
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.products.deposits.terms import INSTALMENT, NOTICE, TIME, load_tariff
from core_adapters.corehost.products.exchange.accounts import told_rates
from core_adapters.corehost.products.exchange.market import YUAN, Market, load_market
from core_adapters.corehost.products.points import points
from core_adapters.corehost.products.stated import stated
from transactions.money import Money

INFORMATION = "information.yaml"
AREA_DIGITS = 6
"""A Chinese postcode."""


def deposit_rates() -> list[tuple[str, Decimal]]:
    """Word of `term` and rate in per cent a year, of the deposits as they are opened and drawn."""
    tariff = load_tariff()
    rows = [("demand", tariff.demand)]
    rows += tariff.kinds[TIME].rates.items()
    rows += [(f"i_{term}", rate) for term, rate in tariff.kinds[INSTALMENT].rates.items()]
    rows += tariff.kinds[NOTICE].rates.items()
    return rows


def stated_rates(table: str) -> list[tuple[str, Decimal]]:
    """Word and rate in per cent a year of a table of information.yaml."""
    return [(what, Decimal(text)) for what, text in stated(INFORMATION)[table].items()]


def fx_rates(market: Market, now: datetime) -> list[tuple[str, Decimal, Decimal]]:
    """Word of `currency`, and what the bank buys and sells a hundred of it for, in yuan, at the
    market's rates of a time."""
    tick = market.last(now)
    live = [(word, market.rate(word, YUAN, tick)) for word in market.traded if word != YUAN]
    return [(word, rate.buy, rate.sell) for word, rate in live]


def fees() -> list[tuple[str, Money]]:
    """Word of `fee` and amount."""
    return [(what, Money.parse(text)) for what, text in stated(INFORMATION)["fees"].items()]


def places(table: str, area: str) -> Sequence[str]:
    """Words of `branch` or `merchant` in a postcode's area, nearest first; empty where none is."""
    if len(area) != AREA_DIGITS or not (area.isascii() and area.isdigit()):
        raise BadMessage("48.area is no postcode of six digits")
    known: Sequence[str] = stated(INFORMATION)[table].get(area, ())
    return known[:PAGE]


def _rates_page(rates: Sequence[tuple[str, Decimal]], order: Order) -> Answer:
    return page_of([{"what": what, "rate": rate_text(rate)} for what, rate in rates], order)


def tell_deposit_rates(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3491."""
    del counter, now
    return _rates_page(deposit_rates(), order)


def tell_loan_rates(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3492."""
    del counter, now
    return _rates_page(stated_rates("loan_rates"), order)


def tell_fx_deposit_rates(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3493."""
    del counter, now
    return _rates_page(told_rates(), order)


def tell_fees(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3494."""
    del counter, now
    rows = [{"what": what, "amount": money_column(fee.minor, fee.currency)} for what, fee in fees()]
    return page_of(rows, order)


def tell_fx_rates(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3495."""
    market = load_market(counter.bank.office.rules)
    rows = [
        {"unit": unit, "buy": rate_text(buy), "sell": rate_text(sell)}
        for unit, buy, sell in fx_rates(market, now)
    ]
    return page_of(rows, order)


def tell_branches(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3496: the branches in 48.area."""
    del counter, now
    return paged(_named(places("branches", order.sub(48, "area"))), None)


def tell_merchants(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3497: the merchants that take the card in 48.area."""
    del counter, now
    return paged(_named(places("merchants", order.sub(48, "area"))), None)


def tell_paper_gold(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3498: what the bank buys and sells a gram of paper gold for, in yuan, and when."""
    del counter, order
    price = stated(INFORMATION)["paper_gold"]
    told = {word: rate_text(Decimal(price[word])) for word in ("buy", "sell")}
    return Answer(OK, subs={48: {**told, "at": time_text(now)}})


def _named(words: Sequence[str]) -> list[Row]:
    return [{"name": word} for word in words]


INFO_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3491"): tell_deposit_rates,
        ("02", "3492"): tell_loan_rates,
        ("02", "3493"): tell_fx_deposit_rates,
        ("02", "3494"): tell_fees,
        ("02", "3495"): tell_fx_rates,
        ("02", "3496"): tell_branches,
        ("02", "3497"): tell_merchants,
        ("02", "3498"): tell_paper_gold,
        ("02", "37"): points,
    }
)
"""As `services.SERVICES`."""
