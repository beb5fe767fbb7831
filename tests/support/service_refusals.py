"""Refusals as cases: what a caller hears when he may not, and that nothing moved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from core_adapters.corehost.products.deposits.terms import load_tariff
from core_adapters.corehost.seed import SeedCard
from support.money_caller import fen
from support.service_bills import paid
from support.service_books import Books, Values
from support.service_calls import NO_VALUES, Case, Passage
from support.service_lists import typed
from support.service_table import NEW_PIN, PAYEE, SUBS, drawn, placed, transferred
from transactions.card import CardNumber

PLACE, DRAW, TRANSFER = "deposit.place", "deposit.draw", "transfer.card_to_card"
DEMAND = load_tariff().demand
NOBODY = "990099009900"
"""A number that no biller knows."""


def says(*prompts: str) -> Callable[[Books, SeedCard], Sequence[Passage]]:
    """Prompts without values, one after another with anything between."""
    return lambda _books, _who: [[(prompt, NO_VALUES)] for prompt in prompts]


def with_values(*spoken: tuple[str, Values]) -> Callable[[Books, SeedCard], Sequence[Passage]]:
    """Prompts with values that do not depend on the caller."""
    return lambda _books, _who: [[one] for one in spoken]


def refused(name: str, what: str, hears: str, *asked: str, **entries: str) -> Case:
    """Something keyed in that the host refuses; what is after it on the route is not gone."""
    return Case(
        "refused",
        what,
        entries=typed(**entries),
        drop=0 if what.startswith("bill.enquiry") else 1,
        until=hears,
        heard=says(hears),
        asked=asked,
        name=name,
    )


def keyed_wrong(name: str, what: str, before: int, **entries: str) -> Case:
    """An amount that is no amount: refused where it is keyed in, the host is not asked."""
    return Case(
        "refused",
        what,
        entries=typed(**entries),
        drop=1,
        until="sys.invalid",
        heard=says("sys.invalid"),
        asked=("deposit.list last",) * before,
        name=name,
    )


def again(case: Case, prompt: str, values: Callable[[Case], Values]) -> Case:
    """The same order within ten minutes: told so, and left at that."""
    assert case.money is not None
    assert case.asked is not None
    quote = f"{case.asked[-2].partition(' ')[0]} repeated"
    return replace(
        case,
        row="refused",
        name=f"again_{case.money.service}",
        drop=1,
        money=None,
        until=prompt,
        heard=lambda _books, _who: [[(prompt, values(case))]],
        asked=(*case.asked[:-2], quote),
        first=case,
    )


def too_late(case: Case, told: str) -> Case:
    """Confirmed after the quote has expired: refused by the host, and no money moves."""
    money = case.money
    assert money is not None
    assert case.asked is not None
    return replace(
        case,
        row="refused",
        name=f"expired_{money.service}",
        money=None,
        drop=1,
        then=f"@{money.confirm} 1",
        until=told,
        heard=says(told),
        asked=(*case.asked[:-1], f"{money.service} refused"),
        left=(money.service, "DECLINED", "refused"),
    )


def closed(what: str, hears: str, asked: str, **entries: str) -> Case:
    """The account behind the card is closed."""
    return Case(
        "refused",
        what,
        entries=typed(**entries),
        drop=1 if entries else 0,
        until=hears,
        heard=says(hears),
        asked=(asked,),
        special="closed",
        name=f"closed_{asked.partition(' ')[0]}",
    )


def _number(biller: str) -> Callable[[Books, SeedCard], Mapping[str, str]]:
    return lambda books, who: {"NUMBER": books.number(who, biller)}


def _pins(name: str, hears: str, keys: str) -> Case:
    """A new PIN that is not taken."""
    return Case(
        "refused",
        "pin.change",
        entries=typed(NEW_PIN=""),
        drop=2,
        then=keys,
        until=hears,
        heard=says(hears),
        name=f"pin_{name}",
    )


TIME = "deposit.place kind=time term=m3"
SAVINGS = "deposit.place kind=savings"
AMOUNTS: Sequence[Case] = (
    refused("too_little", TIME, "place.bad_amount", "deposit.place_quote bad_amount", AMOUNT="20"),
    refused("not_the_sum", "deposit.place kind=instalment term=y1", "place.bad_amount",
            "deposit.place_quote bad_amount", AMOUNT="50"),
    refused("other_term", "deposit.place kind=instalment term=y3", "place.bad_term",
            "deposit.place_quote bad_term", AMOUNT="100"),
    refused("over_limit", SAVINGS, "tr.over_limit", "deposit.place_quote over_limit",
            AMOUNT="60000"),
    refused("insufficient", SAVINGS, "tr.insufficient", "deposit.place_quote insufficient",
            AMOUNT="20000"),
    refused("transfer_insufficient", TRANSFER, "tr.insufficient", "transfer.quote insufficient",
            PAYEE=PAYEE.card, AMOUNT="20000"),
    keyed_wrong("nothing", SAVINGS, 0, AMOUNT="0.00"),
    keyed_wrong("decimals", TIME, 0, AMOUNT="100.005"),
    keyed_wrong("transfer_decimals", TRANSFER, 0, PAYEE=PAYEE.card, AMOUNT="1.234"),
    keyed_wrong("draw_decimals", "deposit.draw kind=savings", 1, ROW="1", PART="1.234"),
)  # fmt: skip
DEPOSITS: Sequence[Case] = (
    Case(
        "refused",
        "deposit.draw kind=time",
        entries=typed(ROW="2", PART="5000"),
        drop=1,
        until="draw.bad_amount",
        heard=says("draw.bad_amount"),
        asked=("deposit.list last", "deposit.draw_quote bad_amount"),
        name="more_than_held",
    ),
    Case(
        "refused",
        "deposit.draw kind=instalment",
        entries=typed(ROW="1"),
        drop=2,
        until="dep.none",
        heard=says("dep.none"),
        asked=("deposit.list none",),
        first=drawn("X-11", "instalment"),
        name="closed_deposit",
    ),
)
BILLS: Sequence[Case] = (
    refused("unknown_number", "bill.enquiry biller=water", "bill.bad_number",
            "bill.enquiry bad_number", NUMBER=NOBODY),
    Case(
        "refused",
        "bill.enquiry biller=water",
        entries=_number("water"),
        until="bill.nothing_owed",
        heard=says("bill.nothing_owed"),
        asked=("bill.enquiry nothing_owed",),
        first=paid("B-03", "water"),
        name="already_paid",
    ),
    replace(
        too_late(paid("B-04", "electricity"), "dep.refused"),
        first=placed("X-02", "savings", "", "9999"),
        name="bill_insufficient",
    ),
)  # fmt: skip
AGAIN: Sequence[Case] = (
    again(
        transferred("12.50", 1_250),
        "tr.confirm_again",
        lambda _: {
            "payee_masked": CardNumber(PAYEE.card).masked,
            "amount": fen(1_250),
            "fee": fen(0),
        },
    ),
    again(
        placed("X-07", "passbook", "", "10"),
        "place.confirm_again",
        lambda _: {"kind": "passbook", "amount": fen(1_000), "fee": fen(0), "rate": DEMAND},
    ),
    again(
        drawn("X-08", "savings", part="10"),
        "draw.confirm_part_again",
        lambda _: {
            "kind": "savings", "sub": SUBS["savings"], "amount": fen(1_000),
            "interest": fen(0), "fee": fen(0),
        },
    ),
)  # fmt: skip
CLOSED: Sequence[Case] = (
    closed("card.balance", "bal.no_account", "card.balance no_account"),
    closed(SAVINGS, "dep.no_account", "deposit.place_quote no_account", AMOUNT="100"),
)
PINS: Sequence[Case] = (
    replace(
        _pins("weak", "pin.weak", "!111111111111# !111111111111#"), asked=("pin.change weak_pin",)
    ),
    _pins("differ", "pin.differs", f"!{NEW_PIN}# !{NEW_PIN[::-1]}#"),
)
ELSE: Sequence[Case] = (
    Case(
        "refused",
        "card.today",
        until="list.no_today",
        heard=says("list.no_today"),
        asked=("card.today none",),
        name="nothing_today",
    ),
    Case(
        "refused",
        "info.branches",
        entries=typed(AREA="999999"),
        until="info.no_branch",
        heard=says("info.no_branch"),
        asked=("info.branches none",),
        card=False,
        name="no_branch",
    ),
)
REFUSALS: Sequence[Case] = (*AMOUNTS, *DEPOSITS, *BILLS, *AGAIN, *CLOSED, *PINS, *ELSE)
TOO_LATE: Sequence[Case] = (
    too_late(transferred("30", 3_000), "tr.refused"),
    too_late(placed("X-03", "time", "m3", "100"), "dep.refused"),
    too_late(drawn("X-10", "time"), "dep.refused"),
    too_late(paid("B-03", "water"), "dep.refused"),
)


def shut(what: str, asked: str, processing: str) -> Case:
    """The market is closed, which the host's fault says whatever day it is."""
    fault = {"action": "code 28", "processing": processing}
    return replace(refused(f"closed_{what}", what, "sys.closed", asked, AMOUNT="1000"), fault=fault)


INVESTMENTS_REFUSED: Sequence[Case] = (
    shut("fx.deal", "fx.quote market_closed", "34"),
    shut("sec.in", "sec.in_quote market_closed", "32"),
    refused("loan_over_limit", "loan.open kind=self_service term=y1", "sys.over_limit",
            "loan.open_quote over_limit", AMOUNT="900000"),
    refused("loan_more_than_owed", "loan.repay", "sys.bad_amount", "loan.list last",
            "loan.repay_quote bad_amount", ROW="1", PART="5000"),
    refused("bond_insufficient", "bond.buy", "tr.insufficient", "bond.issues last",
            "bond.buy_quote insufficient", ROW="1", AMOUNT="20000"),
    refused("fx_insufficient", "fx.deal", "tr.insufficient", "fx.quote insufficient",
            AMOUNT="20000"),
    refused("fx_bad_rate", "fx.order", "fx.bad_rate", "fx.order_quote bad_rate",
            AMOUNT="100", LIMIT="1"),
    refused("sec_insufficient", "sec.out", "tr.insufficient", "sec.out_quote insufficient",
            AMOUNT="9000"),
    keyed_wrong("sec_decimals", "sec.in", 0, AMOUNT="1.234"),
    keyed_wrong("loan_decimals", "loan.open kind=self_service term=m3", 0, AMOUNT="100.005"),
    Case("refused", "corp.balance", until="corp.not_permitted", heard=says("corp.not_permitted"),
         asked=("corp.balance not_permitted",), name="no_company"),
)  # fmt: skip
