"""Group N of the feature inventory: what anybody may hear."""

from collections.abc import Sequence

from core_adapters.corehost.products import information
from core_adapters.corehost.products.exchange.accounts import told_rates
from core_adapters.corehost.products.exchange.market import load_market
from core_adapters.corehost.rules import EVERY_DAY, Rules
from support.money_stage import Day
from support.service_books import PAGE, Values
from support.service_calls import (
    NO_VALUES,
    Case,
    Outcome,
    Visit,
    assert_heard,
)
from support.service_lists import (
    listed,
    rates,
    turned,
    typed,
)

AREA = "880001"


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

N: Sequence[Case] = (
    text("N-01", "info.services"),
    told("N-02", "info.deposit_rates", "info.deposit_rate", rates(information.deposit_rates())),
    told(
        "N-03", "info.loan_rates", "info.loan_rate", rates(information.stated_rates("loan_rates"))
    ),
    told("N-04", "info.fx_deposit_rates", "info.fx_deposit_rate", rates(told_rates())),
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
