"""tb87-bcd the whole way: the gateway's adapter and the bank's process over TCP, packed digits, a
packed length header, a TPDU and the X9.19 MAC."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from psec import mac

from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.framing import wrap
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from support.corehost_process import CoreHostProcess
from support.iso8583_kit import ROOT, MemoryLog, contracts
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value
from transactions.ports import Reversed
from transactions.request import AuthLevel, Request
from transactions.secret import Secret

PROFILE = ROOT / "config" / "hosts" / "tb87-bcd.yaml"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    data = tmp_path_factory.mktemp("bank")
    with CoreHostProcess.start(data, "--profile", str(PROFILE)) as host:
        yield host


@pytest.fixture
async def gateway(bank: CoreHostProcess) -> AsyncIterator[Iso8583Host]:
    host = Iso8583Host(
        load_profile(PROFILE),
        contracts(),
        open_software(bank.keys),
        Iso8583Options(addresses=(f"127.0.0.1:{bank.port}",)),
    )
    await host.start()
    assert await host.wait_signed_on(20.0)
    yield host
    await host.close()


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    return MemoryLog()


def order(service: str, number: int, **inputs: Value) -> Request:
    return Request(
        id=f"r{number}",
        service=service,
        contract_version=1,
        inputs={name.rstrip("_"): value for name, value in inputs.items()},
        actor="caller",
        call="c1",
        auth=AuthLevel.PIN,
        reference=f"01{number:010d}",
        deadline=time.monotonic() + 60,
    )


def approved(outcome: Outcome) -> Approved:
    assert isinstance(outcome, Approved), outcome
    return outcome


async def transfer(gateway: Iso8583Host, bank: CoreHostProcess, log: MemoryLog, n: int) -> Request:
    payer, payee = (CardNumber(one.card) for one in bank.cards[:2])
    terms: dict[str, Value] = {"from_": payer, "to": payee, "amount": Money.parse("120.00")}
    quoted = approved(await gateway.execute(order("transfer.quote", n, **terms), log)).data
    terms |= {"quote": quoted["quote"], "fee": quoted["fee"]}
    return order("transfer.card_to_card", n + 1, **terms)


async def test_pin_and_balance(gateway: Iso8583Host, bank: CoreHostProcess, log: MemoryLog) -> None:
    one = bank.cards[2]
    card = CardNumber(one.card)
    asked = order("pin.verify", 1, card=card, pin=Secret(one.pin))
    approved(await gateway.execute(asked, log))
    wrong = order("pin.verify", 2, card=card, pin=Secret("9" * 12))
    assert await gateway.execute(wrong, log) == Declined("wrong_pin")
    held = approved(await gateway.execute(order("card.balance", 3, card=card), log)).data
    assert held["available"] == held["ledger"] == Money.parse("10000.00")


async def test_a_changed_pin(gateway: Iso8583Host, bank: CoreHostProcess, log: MemoryLog) -> None:
    one = bank.cards[5]
    card, new = CardNumber(one.card), "271828182845"
    change = order("pin.change", 5, card=card, pin=Secret(one.pin), new_pin=Secret(new))
    approved(await gateway.execute(change, log))
    approved(await gateway.execute(order("pin.verify", 6, card=card, pin=Secret(new)), log))
    old = order("pin.verify", 7, card=card, pin=Secret(one.pin))
    assert await gateway.execute(old, log) == Declined("wrong_pin")


async def test_transfer_and_reversal(
    gateway: Iso8583Host, bank: CoreHostProcess, log: MemoryLog
) -> None:
    before = bank.balances()
    asked = await transfer(gateway, bank, log, 10)
    done = approved(await gateway.execute(asked, log))
    assert done.data["ref"] == asked.reference
    assert bank.balances() != before
    for attempt in range(2):
        sent = next(row for row in log.rows if row.request_id == asked.id)
        assert await gateway.reverse(asked, sent, "time_out", log, attempt) == Reversed()
    assert bank.balances() == before
    assert bank.findings() == []


async def test_a_lost_reply_is_unknown_and_undone(
    gateway: Iso8583Host, bank: CoreHostProcess, log: MemoryLog
) -> None:
    before = bank.balances()
    asked = await transfer(gateway, bank, log, 20)
    bank.plan([{"match": {"processing": "42", "mti": "0200"}, "action": "cut_after", "times": 1}])
    assert isinstance(await gateway.execute(asked, log), Unknown)
    assert bank.balances() != before
    sent = next(row for row in log.rows if row.request_id == asked.id)
    assert await gateway.wait_signed_on(20.0)
    assert await gateway.reverse(asked, sent, "time_out", log, 0) == Reversed()
    assert bank.balances() == before


async def test_a_loss_report_and_its_repeat(
    gateway: Iso8583Host, bank: CoreHostProcess, log: MemoryLog
) -> None:
    one = bank.cards[3]
    report = order("card.report_loss", 30, card=CardNumber(one.card), identity=one.identity)
    first = approved(await gateway.execute(report, log))
    sent = log.rows[-1]
    again = await gateway.execute(report, log, repeat_of=sent)
    assert approved(again).data == first.data
    assert [row.mti for row in log.rows[-2:]] == ["0302", "0303"]


class Retail:
    """X9.19 as an independent library has it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def compute(self, data: bytes) -> bytes:
        return mac.generate_retail_mac(self._key[:8], self._key[8:], data, 1)

    def verify(self, data: bytes, seen: bytes) -> bool:
        return seen == self.compute(data)


@pytest.mark.filterwarnings("ignore:.*TripleDES")  # the independent library's own
def test_its_frame_byte_for_byte() -> None:
    profile = load_profile(PROFILE)
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    fields = {2: "6227000000000001", 3: "310000", 11: "000042", 32: "6227001", 41: "TB010001"}
    frame = wrap(Codec(profile).encode(Message("0200", fields), Retail(key)), profile.frame)
    told, tpdu, body = frame[:2].hex(), frame[2:7].hex(), frame[7:-8].hex()
    assert int(told) == len(frame) - 2
    assert tpdu == "6000010002"
    assert body == (
        "0200" "6020000100800001"  # message type, bitmap of 2 3 11 32 41 64
        "16" "6227000000000001" "310000" "000042"
        "07" "06227001"  # an odd number of digits is filled in front
        "5442303130303031"
    )  # fmt: skip
    assert frame[-8:] == Retail(key).compute(frame[7:-8])


def test_it_says_only_what_differs() -> None:
    rows = [text for text in PROFILE.read_text().splitlines() if text and text[0] not in "# "]
    assert len(rows) < 10
    ours, theirs = load_profile(PROFILE), load_profile(Path(str(PROFILE).replace("-bcd", "")))
    assert (ours.fields, ours.services.keys()) == (theirs.fields, theirs.services.keys())
    assert (ours.frame.form, ours.frame.tpdu, ours.mac) == ("bcd", "required", "x9.19")
