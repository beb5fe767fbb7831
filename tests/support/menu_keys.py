"""What the holder of a test card keys where docs/menus.md has a word in capitals."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.products.exchange.market import load_market
from core_adapters.corehost.rules import BANK_OFFSET, Rules
from core_adapters.corehost.seed import SeedCard, trial_set
from support.menu_people import MUCH, TOLD_AFTER
from support.quiet_line import Call

BILLERS, _ = load_billers()
FAR_ACCOUNT, BANK, LOAN = "62220000123456", "9001", "6001"
PAID = {"transfer": f"{trial_set()[0].card}#", "repay": f"{LOAN}#"}
"""Whom a company pays, by the kind of the payment; else an account at another bank."""
DONE = ("ok", "last")
AS_GOOD: Mapping[str, Sequence[str]] = {"hours.state": ("open", "closed", "holiday")}
"""Exits that are answers as good as an approval."""
FIRST = ("settings.get", "notice.next", "usage.top")
"""What is asked for whoever has just proved himself."""
EMPTY = frozenset({"card.today", "sec.today", "fx.orders"})
"""Services whose list may be empty: nothing was done today, and no order was placed yet."""
ODD = frozenset({"value.missing", "exit.unknown", "input.invalid", "input.exhausted", "rows.cut"})
"""Records of calls in which something is wrong."""
QUOTES = "“”"
"""Around what is a text and no service."""


def off_the_market(times: str) -> str:
    """Keys of a rate so far off that of dollars for a hundred yuan, which an order may wait for."""
    market = load_market(Rules())
    pays = market.rate("cny", "usd", market.last(datetime.now(UTC))).buy
    return f"{pays * Decimal(times):.2f}#".replace(".", "*")


def later(days: int) -> str:
    """Keys of a day so much after today on the bank's wall clock."""
    return f"{datetime.now(UTC) + BANK_OFFSET + timedelta(days=days):%Y%m%d}"


def typed(
    words: Sequence[str], service: str, constants: Mapping[str, str], one: SeedCard, payee: SeedCard
) -> list[str]:
    """Keys for `words`, which lead to a service that knows its constants (`kind`, `biller`)."""
    biller = BILLERS.get(constants.get("biller", ""))
    entries = {
        "CARD#": f"{one.card}#",
        "PIN#": f"{one.pin}#",
        "PAYEE#": f"{payee.card}#",
        "AMOUNT#": "1000#" if constants.get("kind") == "notice" else "100#",
        "PART#": "100#" if service == "bond.redeem" else "10*5#",
        "LIMIT#": off_the_market("1.05"),
        "OTHER#": off_the_market("0.95"),
        "NUMBER#": f"{biller.number(one.card)}#" if biller is not None else "",
        "ROW": "1",
        "AREA": "880001",
        "MONTH#": datetime.now(UTC).strftime("%Y%m01"),
        "NEW_PIN#": "482915#",
        "WEAK_PIN#": "123456#",
        "MUCH#": f"{MUCH}#",
        "CHEQUE": "10020010",
        "FIRST_CHEQUE": "10020012",
        "LAST_CHEQUE": "10020013",
        "FIRST#": later(1),
        "LAST#": later(60),
        "PAY_TO#": PAID.get(constants.get("kind", "transfer"), f"{FAR_ACCOUNT}#"),
        "PAY_BANK#": f"{BANK}#",
        "LOST_CARD#": f"{one.card}#",
        "WRONG_CARD#": f"{one.card[:-1]}{(int(one.card[-1]) + 1) % 10}#",
        "IDENTITY": one.identity,
        "FAX_TO#": "02387654321#",
        "FAX_TIME#": "0830#",
    }
    return [entries.get(word, word) for word in words]


def complaint(
    service: str,
    call: Call,
    fine: Sequence[tuple[str, str]] = (),
    again: Sequence[tuple[str, str]] = (),
) -> str:
    """What is wrong with a call that was to ask a service, or hear a text, last; or nothing.

    `fine` are services and exits that are as good as an approval here; `again` are those that show
    that another call did it before, and the rest of the keys led nowhere.
    """
    if set(again) & set(call.asked):
        return ""
    told = {"input.invalid"} if service == "“sys.invalid”" else set()
    odd = (ODD - told) & set(call.records)
    if odd:
        return f"{sorted(odd)}, {call.said[-2:]}"
    if service[0] in QUOTES:
        return "" if service.strip(QUOTES) in call.prompts else "not told"
    asked = list(call.asked)
    while asked and asked[-1][0] in FIRST:
        asked.pop()
    if asked[-1:] == [(TOLD_AFTER.get(service, ""), "last")]:
        asked.pop()
    last = asked[-1] if asked else ("nothing", "")
    done = (*DONE, "none") if service in EMPTY else DONE
    good = last in fine or (last[0] == service and last[1] in done)
    return "" if good else f"{call.asked}, {call.said[-1:]}"
