"""The test customers of a demo host, as `telebank host certify` asks for them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core_adapters.conformance.people import People, people_of
from core_adapters.corehost.products.bills.billers import Biller, load_billers
from core_adapters.corehost.products.bonds import holdings as bonds
from core_adapters.corehost.products.companies import accounts as companies
from core_adapters.corehost.products.companies.people import APPROVE, MAKE
from core_adapters.corehost.products.deposits.terms import PASSBOOK, TIME
from core_adapters.corehost.products.exchange import accounts as fx_accounts
from core_adapters.corehost.products.exchange.market import YUAN, load_market
from core_adapters.corehost.products.loans import accounts as loans
from core_adapters.corehost.products.plantings import exchange as fx_planting
from core_adapters.corehost.products.plantings.accounts import SMALL
from core_adapters.corehost.products.plantings.customers import FIRST_CHEQUE
from core_adapters.corehost.products.plantings.operators import ROLES
from core_adapters.corehost.rules import EVERY_DAY, Rules
from core_adapters.corehost.seed import SeedCard, card_number, trial_set

ORDINARY = 60
BETTER = Decimal("1.05")
"""What an order waits for, of the rate that stands."""


def demo_people() -> People:
    """The test customers of a demo host started with --test-data."""
    cards, billers = trial_set(), load_billers()[0]
    special = cards[ORDINARY:]
    rows: dict[str, Any] = {
        "payers": [(*_row(one), _details(one, billers)) for one in cards[: ORDINARY - 10]],
        "payee": _row(cards[ORDINARY - 1]),
        "poor": _row(special[0]),
        "unknown": (card_number(999_999_999), "", ""),
    }
    rows |= {one.state: _row(one) for one in special if one.state in ("hot", "locked")}
    company = next(one for one in special if one.company)
    cheques = [f"{FIRST_CHEQUE + place}" for place in (5, 6)]
    rows["company"] = (
        *_row(company),
        {"account": companies.FIRST_SUB, "cheque": cheques[0], "cheque_too": cheques[1]},
    )
    rows["approver"] = _approver(company, special, cards[ORDINARY - 1])
    return people_of(rows)


def _approver(company: SeedCard, special: Sequence[SeedCard], payee: SeedCard) -> tuple[Any, ...]:
    """The first of the company's people who may approve, with the one who may propose."""
    people = [one for one in special if one.state == "operator"]
    maker, approver = (
        next(place for place, role in enumerate(ROLES) if role.may == may)
        for may in (MAKE, APPROVE)
    )
    details = {
        "account": companies.FIRST_SUB,
        "company": company.account,
        "maker": ROLES[maker].number,
        "operator": ROLES[approver].number,
        "payee": payee.card,
    }
    return (*_row(people[approver]), details)


def _details(one: SeedCard, billers: Mapping[str, Biller]) -> dict[str, str]:
    """The customer's numbers at the demo's billers, and of what the seed gave him: a time deposit
    that has matured, also of dollars, a loan, a bond; and a rate that the market may come to."""
    place = next(n for n, held in enumerate(SMALL.holdings, 1) if held.kind == TIME)
    named = next(n for n, held in enumerate(SMALL.holdings, 1) if held.kind == PASSBOOK)
    numbers = {name: biller.number(one.card) for name, biller in billers.items()}
    terms = [one for one in fx_planting.SMALL if one.term]
    return {
        **numbers,
        "deposit": f"{place:04d}",
        "deposit_named": f"{named:04d}",
        "loan": f"{loans.FIRST_SUB}",
        "bond": f"{bonds.FIRST_SUB}",
        "fx_deposit": f"{fx_accounts.FIRST_SUB + fx_planting.SMALL.index(terms[0])}",
        "fx_limit": _better_rate(),
    }


def _better_rate() -> str:
    """Dollars for a hundred yuan, a little more than the demo's market gives now."""
    market = load_market(Rules(market_days=EVERY_DAY))
    now = market.last(datetime.now(UTC))
    return f"{market.rate(YUAN, 'usd', now).buy * BETTER:.2f}"


def _row(one: SeedCard) -> tuple[str, str, str]:
    return one.card, one.pin, one.identity
