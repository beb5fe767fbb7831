"""What the ISO 8583 tests share: profile, keys, requests, and a message log in memory."""

import functools
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from core_adapters.hsm.kinds import Algorithm, PinFormat, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.options import Iso8583Options, MuxOptions
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from support.hsm_kit import load
from transactions.card import CardNumber
from transactions.contract import Contracts, load_contracts
from transactions.money import Money
from transactions.outcome import Values
from transactions.request import AuthLevel, HostMessage, Request
from transactions.secret import Secret

ROOT = Path(__file__).resolve().parents[2]
TB87 = ROOT / "config" / "hosts" / "tb87.yaml"
VECTORS = ROOT / "tests" / "vectors" / "iso8583"
ZPK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
MAK = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
NAMES = KeyNames.of("tb87")
CARD = CardNumber("6227000000000001")
PAYEE = CardNumber("6227000000000019")
PIN = "918273645546"


@functools.cache
def tb87() -> Profile:
    """The shipped profile."""
    return load_profile(TB87)


@functools.cache
def contracts() -> Contracts:
    """The shipped contracts."""
    return load_contracts(ROOT / "config" / "services.yaml")


@functools.cache
def codec() -> Codec:
    """A codec of the shipped profile."""
    return Codec(tb87())


def module_with_keys(pins: Usage, *hosts: str, mak: bytes = MAK) -> Module:
    """A security module that has the tests' keys for these hosts; its files are gone already."""
    with tempfile.TemporaryDirectory() as folder:
        return keys_in(Path(folder) / "keys", pins, *hosts, mak=mak)


def keys_in(folder: Path, pins: Usage, *hosts: str, mak: bytes = MAK) -> Module:
    """The same in a folder that stays, so that its keys can change."""
    module = open_software(folder, create=True)
    for names in map(KeyNames.of, hosts):
        load(module, names.pin, pins, Algorithm.TDES2, ZPK)
        load(module, names.mac, Usage.MAC, Algorithm.AES128, mak)
    return module


MODULE = module_with_keys(Usage.PIN, "tb87", "tb87-bcd")
"""The gateway's side."""
BANK_MODULE = module_with_keys(Usage.PIN_OPEN, "tb87", "tb87-bcd")
"""The host's side."""
MAC = ModuleMac(MODULE, NAMES.mac)


def pin_block(pin: str = PIN, card: CardNumber = CARD) -> str:
    """Field 52 of a PIN under the tests' zone key."""
    return MODULE.pin_block(NAMES.pin, Secret(pin), card, PinFormat.ISO_0).hex().upper()


_INPUTS: dict[str, Values] = {
    "pin.verify": {"card": CARD},
    "card.balance": {"card": CARD},
    "transfer.quote": {"from": CARD, "to": PAYEE, "amount": Money.parse("150.00")},
    "transfer.card_to_card": {
        "quote": "Q0001",
        "from": CARD,
        "to": PAYEE,
        "amount": Money.parse("150.00"),
        "fee": Money.parse("2.00"),
    },
    "card.report_loss": {"card": CARD, "identity": "4021"},
}


def request(service: str, number: int = 1, **changes: object) -> Request:
    """A request of a service as the processor would hand it over."""
    inputs = dict(_INPUTS[service])
    if service == "pin.verify":
        inputs["pin"] = Secret(PIN)
    made = Request(
        id=f"r{number}",
        service=service,
        contract_version=1,
        inputs=inputs,
        actor="customer",
        call="c1",
        auth=AuthLevel.PIN,
        reference=f"01{number:010d}",
        created_at=datetime.now(UTC),
        deadline=time.monotonic() + 30,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class MemoryLog:
    """A message log that keeps rows in lists; `refuse` makes `sending` raise."""

    def __init__(self) -> None:
        self.rows: list[HostMessage] = []
        self.replies: list[HostMessage] = []
        self.refuse: Exception | None = None
        self._stan = 0

    async def next_stan(self) -> str:
        """1, 2, 3 …"""
        self._stan += 1
        return f"{self._stan:06d}"

    async def sending(self, message: HostMessage) -> None:
        """Keep the row, or raise."""
        if self.refuse is not None:
            raise self.refuse
        self.rows.append(message)

    async def answered(self, message: HostMessage) -> None:
        """Keep the row with its reply."""
        self.replies.append(message)


def quick_options(port: int, **changes: object) -> Iso8583Options:
    """Options for tests: quick reconnections, no echo in a test's lifetime."""
    options = Iso8583Options(
        addresses=(f"127.0.0.1:{port}",),
        backoff_min_s=0.001,
        backoff_max_s=0.02,
        drain_s=1.0,
        mux=MuxOptions(echo_interval_s=600.0, sign_on_timeout_s=5.0),
    )
    return replace(options, **changes)  # type: ignore[arg-type]
