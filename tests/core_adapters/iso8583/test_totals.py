"""Totals by 0500: the real host's figures of real transfers, and what is said when none come."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from core_adapters.hsm.software import open_software
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host import Iso8583Host
from support.corehost_process import CoreHostProcess
from support.iso8583_kit import MODULE, MemoryLog, contracts, quick_options, request, tb87
from support.iso8583_peer import Peer, Script
from transactions.card import CardNumber
from transactions.money import CURRENCIES, Money
from transactions.outcome import Approved, Value
from transactions.ports import HostTotals, Reversed, Tally, TotalsUnavailable, Unsupported

AMOUNT = Money.parse("9000.00")
DAY = date(2026, 11, 22)
CODES = ("CNY", "USD", "EUR", "JPY", "GBP", "HKD", "AUD", "CAD", "CHF", "SGD")
"""Currencies of the profile's totals."""


async def transfer(host: Iso8583Host, bank: CoreHostProcess, log: MemoryLog, number: int) -> Money:
    """A transfer; returns its fee."""
    payer, payee = (CardNumber(bank.cards[number + at].card) for at in (0, 1))
    asked: dict[str, Value] = {"from": payer, "to": payee, "amount": AMOUNT}
    quote = await host.execute(request("transfer.quote", 10 * number, inputs=asked), log)
    assert isinstance(quote, Approved)
    fee = quote.data["fee"]
    assert isinstance(fee, Money)
    terms = {**asked, "quote": quote.data["quote"], "fee": fee}
    order = request("transfer.card_to_card", 10 * number + 1, inputs=terms)
    assert isinstance(await host.execute(order, log), Approved)
    if number == 4:
        undone = await host.reverse(order, log.rows[-1], "time_out", log, 0)
        assert undone == Reversed()
    return fee


async def test_the_hosts_figures_are_those_of_what_was_done(own_bank: CoreHostProcess) -> None:
    log = MemoryLog()
    host = Iso8583Host(
        tb87(),
        contracts(),
        open_software(own_bank.keys),
        quick_options(own_bank.port),
        next_stan=log.next_stan,
    )
    await host.start()
    assert await host.wait_signed_on(5.0)
    fees = [await transfer(host, own_bank, log, number) for number in (0, 2, 4)]
    day = (await host.health()).business_date
    assert day is not None
    totals = await host.reconcile(day)
    await host.close()
    yuan = totals.by_currency["CNY"]
    assert yuan.debits == Tally(3, 3 * AMOUNT.minor)
    assert yuan.debit_reversals == Tally(1, AMOUNT.minor)
    assert yuan.credits.count == yuan.credit_reversals.count == 0
    assert yuan.fees == fees[0].minor + fees[1].minor > 0
    dollars = totals.by_currency["USD"]
    assert (dollars.debits.count, dollars.fees) == (0, 0)
    assert totals.business_date == day
    rows = len(log.rows)
    assert rows == 7  # quotes, transfers and a reversal: totals leave none


@pytest.fixture
def own_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("bank")) as bank:
        yield bank


FIGURES = dict.fromkeys((74, 75, 76, 77), "0000000000")
FIGURES |= {84: "000000000000"} | dict.fromkeys((86, 87, 88, 89), "0" * 16)


async def asked(peer: Peer, timeout_s: float = 5.0) -> HostTotals:
    """Totals of `DAY` from this peer."""
    rules = tb87().totals
    assert rules is not None
    profile = replace(tb87(), totals=replace(rules, timeout_s=timeout_s))
    host = Iso8583Host(profile, contracts(), MODULE, quick_options(peer.port))
    await host.start()
    try:
        assert await host.wait_signed_on(5.0)
        return await host.reconcile(DAY)
    finally:
        await host.close()
        await peer.stop()


def answer(code: str = "00", **figures: str) -> Callable[[Message], Message]:
    """What a peer replies to 0500."""

    def reply(message: Message) -> Message:
        kept = {n: v for n, v in message.fields.items() if n in (7, 11, 12, 13, 15, 32, 41, 50)}
        changed = {int(name[1:]): text for name, text in figures.items()}
        fields = {**kept, **FIGURES, 39: code, **changed}
        return Message("0510", {n: v for n, v in fields.items() if v})

    return reply


async def test_each_currency_is_asked_for_once_with_the_date() -> None:
    peer = await Peer.start()
    peer.script = Script(reply=answer(f76="0000000003", f88="0000000000012345", f84="000000000600"))
    totals = await asked(peer)
    assert [(one.mti, one.fields[15], one.fields[50]) for one in peer.seen] == [
        ("0500", "1122", CURRENCIES[code].number) for code in CODES
    ]
    assert 52 not in peer.seen[0].fields
    assert peer.seen[0].fields[11] != peer.seen[1].fields[11]
    figures = totals.by_currency["USD"]
    assert figures.debits == Tally(3, 123_45)
    assert figures.fees == 6_00


async def test_fees_given_back_beyond_those_taken_are_told_apart() -> None:
    peer = await Peer.start()
    peer.script = Script(reply=answer(f84="000000000100", f82="000000000700"))
    assert (await asked(peer)).by_currency["CNY"].fees == -600


async def test_a_day_may_come_to_more_than_one_amount_can() -> None:
    """Field 4 has twelve digits, fields 86 to 89 have sixteen."""
    peer = await Peer.start()
    peer.script = Script(reply=answer(f76="0000000002", f88="9" * 16, f89=f"{10**12:016d}"))
    figures = (await asked(peer)).by_currency["USD"]
    assert figures.debits == Tally(2, 10**16 - 1)
    assert figures.debit_reversals.minor == 10**12


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer("96"), "CNY: the host answered 96"),
        (answer("00", f88=""), "field 88 .debits.amount. is missing"),
        (lambda _message: None, "CNY: time_out; ask again later"),
        (answer("00", f41="OTHER   "), "CNY: time_out"),
    ],
)
async def test_what_is_no_answer_is_a_clear_error(reply: object, why: str) -> None:
    peer = await Peer.start()
    peer.script = Script(reply=reply)  # type: ignore[arg-type]
    with pytest.raises(TotalsUnavailable, match=why):
        await asked(peer, timeout_s=0.2)


async def test_without_a_link_or_a_section_it_is_said() -> None:
    host = Iso8583Host(tb87(), contracts(), MODULE, quick_options(1))
    with pytest.raises(TotalsUnavailable, match="no_link"):
        await host.reconcile(DAY)
    bare = Iso8583Host(replace(tb87(), totals=None), contracts(), MODULE, quick_options(1))
    with pytest.raises(Unsupported, match="tb87 has no section `totals`"):
        await bare.reconcile(DAY)
