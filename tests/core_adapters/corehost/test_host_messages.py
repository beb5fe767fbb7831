"""The host over real TCP: every service, duplicates, repeats, reversals, tombstones, MAC."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count

import pytest

from core_adapters.corehost.rules import business_date
from core_adapters.corehost.seed import SeedCard
from core_adapters.iso8583.format.framing import wrap
from core_adapters.iso8583.format.message import Message
from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess, special_card

TERMINALS = count(1)
CARDS = count()


@pytest.fixture
async def line(shared_host: CoreHostProcess) -> AsyncIterator[Line]:
    terminal = Terminal(shared_host.keys, f"TB02{next(TERMINALS):04d}")
    opened = await Line.open(shared_host.port, terminal)
    yield opened
    opened.close()


@pytest.fixture
def pair(shared_host: CoreHostProcess) -> tuple[SeedCard, SeedCard]:
    """Two cards that no other test touches."""
    return shared_host.cards[next(CARDS)], shared_host.cards[next(CARDS)]


Pair = tuple[SeedCard, SeedCard]


async def test_sign_on_echo_and_sign_off(line: Line) -> None:
    for code, expected in (("001", "00"), ("301", "00"), ("002", "00"), ("999", "40")):
        reply = await line.ask(line.terminal.network(code))
        assert (reply.mti, reply.fields[39], reply.fields[70]) == ("0810", expected, code)


async def test_a_reply_has_the_settlement_date_and_the_keys_it_is_matched_by(
    line: Line, pair: Pair
) -> None:
    asked = line.terminal.balance(pair[0].card)
    reply = await line.ask(asked)
    assert reply.mti == "0210"
    assert reply.fields[15] == business_date(datetime.now(UTC)).strftime("%m%d")
    for number in (3, 7, 11, 13, 32, 37, 41, 49):
        assert reply.fields[number] == asked.fields[number]


async def test_balance_gives_ledger_and_available(line: Line, pair: Pair) -> None:
    reply = await line.ask(line.terminal.balance(pair[0].card))
    assert reply.fields[54] == "1001156C000001000000" + "1002156C000001000000"


@pytest.mark.parametrize(
    ("state", "code"), [("hot", "41"), ("no_account", "53"), ("closed", "53"), ("empty", "00")]
)
async def test_cards_in_every_state(line: Line, state: str, code: str) -> None:
    assert await line.code(line.terminal.balance(special_card(state).card)) == code


async def test_pin_right_wrong_and_unreadable(line: Line, pair: Pair) -> None:
    card, other = pair
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "00"
    assert await line.code(line.terminal.verify(card.card, other.pin)) == "55"
    unreadable = line.terminal.verify(card.card, card.pin).with_fields("0600", {52: "00" * 8})
    assert await line.code(unreadable) == "55"
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "00"
    assert await line.code(line.terminal.verify(card.card, other.pin)) == "55"
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "75"
    assert await line.code(line.terminal.verify(special_card("locked").card, "1" * 12)) == "38"
    assert await line.code(line.terminal.verify("6227009999999995", "1" * 12)) == "14"


async def test_a_transfer_moves_amount_and_fee_once(
    line: Line, pair: Pair, shared_host: CoreHostProcess
) -> None:
    before = shared_host.balances()
    order, reply = await line.move(pair[0].card, pair[1].card, 600_000)
    after = shared_host.balances()
    assert (reply.fields[39], order.fields[28]) == ("00", "D00000600")
    assert after[pair[0].card] == before[pair[0].card] - 600_600
    assert after[pair[1].card] == before[pair[1].card] + 600_000
    assert after["fees:CNY"] == before["fees:CNY"] + 600
    assert reply.fields[54][-12:] == f"{after[pair[0].card]:012d}"
    assert shared_host.findings() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"f4": "000000000101"}, "13"),
        ({"f28": "D00000001"}, "05"),
        ({"f61": "01005QNONE"}, "05"),
        ({"f61": ""}, "05"),
        ({"f103": "6227009000000013"}, "05"),
        ({"f49": "840"}, "13"),
        ({"f49": "999"}, "30"),
    ],
)
async def test_a_transfer_off_its_quote_is_refused(
    line: Line, pair: Pair, shared_host: CoreHostProcess, changes: dict[str, str], code: str
) -> None:
    before = shared_host.balances()
    asked = line.terminal.quote(pair[0].card, pair[1].card, 100)
    terms = await line.ask(asked)
    assert await line.code(line.terminal.transfer(asked, terms, **changes)) == code
    assert shared_host.balances() == before
    assert await line.code(line.terminal.transfer(asked, terms)) == "00"
    assert await line.code(line.terminal.transfer(asked, terms)) == "05"


async def test_quotes_are_refused_with_the_reason(line: Line, pair: Pair) -> None:
    ask = line.terminal.quote
    payer, payee = pair[0].card, pair[1].card
    assert await line.code(ask(payer, payer, 100)) == "15"
    assert await line.code(ask(payer, "6227009999999995", 100)) == "15"
    assert await line.code(ask(payer, special_card("closed").card, 100)) == "15"
    assert await line.code(ask(payer, payee, 1_000_000)) == "51"
    assert await line.code(ask(payer, payee, 5_000_001)) == "61"
    assert await line.code(ask(payer, payee, 0)) == "13"


async def test_a_second_0200_hears_94_and_a_repeat_the_same_again(
    line: Line, pair: Pair, shared_host: CoreHostProcess
) -> None:
    order, reply = await line.move(pair[0].card, pair[1].card, 100)
    after = shared_host.balances()
    assert await line.code(order) == "94"
    again = await line.ask(order.with_fields("0201", {}))
    assert (again.mti, again.fields) == ("0210", reply.fields)
    changed = order.with_fields("0201", {4: "000000000200"})
    assert await line.code(changed) == "94"
    assert shared_host.balances() == after


async def test_a_reversal_undoes_once_and_answers_the_same_for_ever(
    line: Line, pair: Pair, shared_host: CoreHostProcess
) -> None:
    before = shared_host.balances()
    order, _ = await line.move(pair[0].card, pair[1].card, 600_000)
    reversal = line.terminal.reversal(order)
    wrong = reversal.with_fields("0420", {4: "000000000001"})
    assert await line.code(wrong) == "13"
    for mti in ("0420", "0421", "0421", "0420"):
        reply = await line.ask(line.terminal.reversal(order, mti))
        assert (reply.mti, reply.fields[39]) == ("0430", "00")
    assert shared_host.balances() == before
    assert await line.code(order.with_fields("0201", {})) == "00"
    assert shared_host.balances() == before
    assert shared_host.findings() == []


async def test_a_reversal_before_its_original_bars_it(
    line: Line, pair: Pair, shared_host: CoreHostProcess
) -> None:
    asked = line.terminal.quote(pair[0].card, pair[1].card, 100)
    order = line.terminal.transfer(asked, await line.ask(asked))
    before = shared_host.balances()
    assert await line.code(line.terminal.reversal(order)) == "25"
    assert await line.code(line.terminal.reversal(order, "0421")) == "25"
    assert await line.code(order) == "05"
    assert await line.code(order.with_fields("0201", {})) == "05"
    assert await line.code(line.terminal.reversal(order, "0421")) == "25"
    assert shared_host.balances() == before


async def test_the_reversal_of_a_declined_order_has_nothing_to_undo(
    line: Line, pair: Pair, shared_host: CoreHostProcess
) -> None:
    asked = line.terminal.quote(pair[0].card, pair[1].card, 100)
    order = line.terminal.transfer(asked, await line.ask(asked), f28="D00000009")
    before = shared_host.balances()
    assert await line.code(order) == "05"
    assert await line.code(line.terminal.reversal(order)) == "00"
    assert shared_host.balances() == before


async def test_a_loss_report_is_idempotent_and_makes_the_card_hot(line: Line, pair: Pair) -> None:
    wrong = await line.ask(line.terminal.loss(pair[0], "0000"))
    assert (wrong.mti, wrong.fields[39]) == ("0312", "25")
    report = line.terminal.loss(pair[0])
    first = await line.ask(report)
    assert (first.mti, first.fields[39]) == ("0312", "00")
    assert (first.fields[37], first.fields[12]) == (report.fields[37], report.fields[12])
    assert (await line.ask(report.with_fields("0303", {}))).fields == first.fields
    advice = await line.ask(report.with_fields("0323", {}))
    assert (advice.mti, advice.fields[39]) == ("0332", "00")
    assert await line.code(line.terminal.loss(pair[0], mti="0322")) == "26"
    assert await line.code(line.terminal.balance(pair[0].card)) == "41"
    assert await line.code(line.terminal.verify(pair[0].card, pair[0].pin)) == "41"
    reversal = line.terminal.reversal(report).with_fields("0420", {4: "000000000000"})
    assert await line.code(reversal) == "40"


async def test_an_unknown_service_and_a_missing_field(line: Line, pair: Pair) -> None:
    assert await line.code(line.terminal.message("0200", {2: pair[0].card, 3: "990000"})) == "40"
    assert await line.code(line.terminal.message("0200", {3: "310000"})) == "30"
    bad_tags = line.terminal.loss(pair[0]).with_fields("0302", {48: "not a subfield"})
    assert await line.code(bad_tags) == "30"


async def test_what_is_not_authentic_gets_no_answer(
    line: Line, pair: Pair, shared_host: CoreHostProcess
) -> None:
    frame = bytearray(line.terminal.frame(line.terminal.balance(pair[0].card)))
    frame[-1] ^= 1
    line.writer.write(bytes(frame))
    line.writer.write(wrap(b"no message", line.terminal.codec.profile.frame))
    await line.send(Message("0210", line.terminal.balance(pair[0].card).fields))
    echo = line.terminal.network("301")
    assert (await line.ask(echo)).fields[11] == echo.fields[11]
    log = shared_host.log.read_text()
    assert all(word in log for word in ("bad_mac", "undecodable", "unexpected_reply"))


async def test_a_frame_of_no_bytes_ends_the_connection(line: Line) -> None:
    line.writer.write(b"\x00\x00")
    assert await line.body() is None


async def test_bytes_may_come_one_by_one(line: Line) -> None:
    for byte in line.terminal.frame(line.terminal.network("301")):
        line.writer.write(bytes([byte]))
        await line.writer.drain()
    assert (await line.reply()).fields[39] == "00"
