"""Groups S and C of the feature inventory, and the enquiries of E: securities and companies."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from core_adapters.corehost.products.companies.accounts import Companies
from core_adapters.corehost.products.history import entries
from core_adapters.corehost.products.information import deposit_rates
from core_adapters.corehost.products.securities.funds import Funds, funds_of
from core_adapters.corehost.seed import SeedCard
from support.money_caller import fen
from support.service_books import PAGE, Books, Values
from support.service_calls import NO_VALUES, Case, Money, Passage
from support.service_information import FX_PAGES, assert_fx_rates, told
from support.service_lists import (
    confirmed,
    listed,
    picked,
    rates,
    turned,
    typed,
)
from support.service_table import balance

INVEST = ("1", "CARD#", "PIN#", "4")
COMPANY = ("4", "CARD#", "PIN#")


def _funds(books: Books, who: SeedCard) -> Funds:
    with books.office() as office:
        found = funds_of(office, who.account)
    assert found is not None
    return found


def _sec_balance(books: Books, who: SeedCard) -> list[Passage]:
    funds = _funds(books, who)
    return [[("sec.balance", {"available": funds.available, "ledger": funds.held})]]


def _sec_today(books: Books, who: SeedCard) -> list[Passage]:
    with books.office() as office:
        found = entries(office.db, _funds(books, who).id, books.today, 0, 100)
    return listed("list.today", [{"what": one.what, "amount": fen(one.minor)} for one in found])


def _moved(service: str, confirm: str, sign: int) -> Money:
    return Money(
        service,
        confirm,
        lambda _books, _who, posted: {"amount": posted.amount, "fee": posted.charged},
        lambda books, who, posted: {
            who.account: -sign * posted.minor - posted.fee,
            _funds(books, who).id: sign * posted.minor,
        },
        minor=50_050,
    )


# -- C and E: companies -----------------------------------------------------------------------


def _balances(books: Books, who: SeedCard) -> list[Passage]:
    rows = [row | {"ledger": row["available"]} for row in _accounts(books, who)]
    return listed("corp.balance", rows)


def _accounts(books: Books, who: SeedCard) -> list[dict[str, object]]:
    with books.office() as office:
        found = Companies(office).accounts(who.account)
        return [{"sub": one.sub, "available": office.available(one.id)} for one in found]


def _entries(books: Books, who: SeedCard, begin: date, end: date) -> list[Values]:
    """Entries of the first account within a month."""
    with books.office() as office:
        account = Companies(office).accounts(who.account)[0].id
        found = entries(office.db, account, begin, 0, 1000, until=end)
    return [{"on": one.on, "what": one.what, "amount": fen(one.minor)} for one in found]


def _this_month(books: Books, who: SeedCard) -> list[Values]:
    return _entries(books, who, books.today.replace(day=1), books.today)


def _last_month(books: Books, who: SeedCard) -> list[Values]:
    end = books.today.replace(day=1) - timedelta(days=1)
    return _entries(books, who, end.replace(day=1), end)


def _remittances(books: Books, who: SeedCard) -> list[Values]:
    with books.office() as office:
        found = Companies(office).remittances(who.account, 0, 1000)
    return [
        {"on": one.on, "what": one.direction, "amount": one.amount, "state": one.state}
        for one in found
    ]


def asked_of(name: str, rows: Callable[[Books, SeedCard], list[Values]], prompt: str) -> Case:
    """Rows of the company, all pages of them; what is asked depends on how many there are."""

    def heard(books: Books, who: SeedCard) -> list[Passage]:
        found = rows(books, who)
        picks = picked("corp.item", _accounts(books, who)) if name != "E-06" else []
        return [*picks, *listed(prompt, found)]

    return Case(
        name,
        "",
        waits={"ROW": "sys.back"},
        then=lambda books, who: turned(-(-len(rows(books, who)) // PAGE)),
        until="list.end",
        heard=heard,
        asked=None,
        special="company",
    )


S: Sequence[Case] = (
    confirmed("S-01", "sec.out", _moved("sec.out", "sec.confirm_out", -1), "sec.out_quote",
              entries=typed(AMOUNT="500.50")),
    confirmed("S-02", "sec.in", _moved("sec.in", "sec.confirm_in", 1), "sec.in_quote",
              entries=typed(AMOUNT="500.50")),
    Case("S-03", "card.balance", keys=(*INVEST, "4", "2"), until="bal.amount", heard=balance,
         asked=("card.balance ok",)),
    Case("S-04", "sec.balance", until="sec.balance", heard=_sec_balance,
         asked=("sec.balance ok",)),
    Case("S-05", "sec.today", until="list.end", heard=_sec_today, asked=("sec.today last",),
         first=confirmed("S-02", "sec.in", _moved("sec.in", "sec.confirm_in", 1), "sec.in_quote",
                         entries=typed(AMOUNT="500.50"))),
    Case("S-06", "“fax.ways”", keys=(*INVEST, "4", "5"), until="fax.ways",
         heard=lambda _books, _who: [[("fax.ways", NO_VALUES)]]),
)  # fmt: skip
C: Sequence[Case] = (
    Case("C-01", "corp.balance", until="list.end", heard=_balances, asked=("corp.balance last",),
         special="company", name="E-02"),
    replace(asked_of("C-02", _this_month, "list.entry"), what="corp.entries",
            entries=typed(ROW="1"), turn=1),
    replace(asked_of("C-03", _last_month, "list.entry"), keys=(*COMPANY, "2", "ROW", "2", "MONTH#"),
            entries=lambda books, _who: {
                "ROW": "1", "MONTH": f"{books.today.replace(day=1) - timedelta(days=1):%Y%m%d}",
            }, turn=2, name="E-03"),
    replace(asked_of("E-06", _remittances, "corp.remittance"), what="corp.remittances", turn=3),
    replace(told("E-04", "info.deposit_rates", "info.deposit_rate", rates(deposit_rates())),
            keys=(*COMPANY, "4", "1"), card=True, special="company", turn=4),
    Case("E-05", "info.fx_rates", keys=(*COMPANY, "4", "3"), then=turned(FX_PAGES),
         until="list.end", asked=("info.fx_rates ok", "info.fx_rates last"),
         check=assert_fx_rates, special="company", turn=5),
)  # fmt: skip
