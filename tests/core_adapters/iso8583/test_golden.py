"""Golden bytes: each file was put together by hand from the field table, part by part."""

import functools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core_adapters.hsm.kinds import Usage
from core_adapters.iso8583.build import Builder, Stamp
from core_adapters.iso8583.format.framing import FrameOptions, Framer, wrap
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.format.message import Message
from support.iso8583_kit import (
    MODULE,
    NAMES,
    VECTORS,
    codec,
    module_with_keys,
    quick_options,
    request,
    tb87,
)
from transactions.request import HostMessage, Request

FILES = sorted(VECTORS.glob("*.json"))
AT = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)  # 12:30 at the bank, whatever this machine says
STAMP = Stamp("000001", "1122043000", AT, "TB010001", "62270001", "010000000001")


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_there_is_a_vector_for_every_message() -> None:
    assert {path.stem for path in FILES} >= {
        *("sign-on", "sign-on-reply", "sign-off", "echo", "pin-verify", "pin-verify-reply"),
        *("balance", "balance-reply", "quote", "quote-reply", "transfer", "transfer-reply"),
        *("transfer-declined", "reversal", "reversal-repeat", "reversal-reply", "loss"),
        *("loss-repeat", "loss-reply", "loss-advice", "loss-advice-repeat", "loss-advice-reply"),
    }


@functools.cache
def _mac(key: str) -> ModuleMac:
    module = module_with_keys(Usage.PIN, "tb87", mak=bytes.fromhex(key))
    return ModuleMac(module, NAMES.mac)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bytes_both_ways(path: Path) -> None:
    vector = _load(path)
    frame = bytes.fromhex(vector["frame"])
    assert "".join(part["hex"] for part in vector["parts"]) == vector["frame"]
    mac = _mac(vector["mac_key"])
    fields = {int(number): text for number, text in vector["fields"].items()}
    message = Message(vector["mti"], fields)
    assert wrap(codec().encode(message, mac), FrameOptions()) == frame
    (cut,) = Framer(FrameOptions()).feed(frame)
    decoded = codec().decode(cut.body)
    assert (decoded.mti, dict(decoded.fields)) == (vector["mti"], fields)
    assert codec().mac_ok(cut.body, decoded, [mac])


def _built(service: str, mti: str) -> Message:
    builder = Builder(codec(), quick_options(1), MODULE, NAMES.pin, None)
    asked = _request(service)
    return builder.request(tb87().services[service], asked, STAMP, mti)


def _request(service: str) -> Request:
    return request(service, created_at=AT)


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("pin-verify", "pin.verify"),
        ("balance", "card.balance"),
        ("quote", "transfer.quote"),
        ("transfer", "transfer.card_to_card"),
        ("loss", "card.report_loss"),
        ("loss-repeat", "card.report_loss"),
        ("loss-advice", "card.report_loss"),
        ("loss-advice-repeat", "card.report_loss"),
    ],
)
def test_requests_are_built_so(name: str, service: str) -> None:
    vector = _load(VECTORS / f"{name}.json")
    fields = {int(number): text for number, text in vector["fields"].items()}
    assert dict(_built(service, vector["mti"]).fields) == fields


@pytest.mark.parametrize("name", ["reversal", "reversal-repeat"])
def test_reversals_are_built_so(name: str) -> None:
    vector = _load(VECTORS / f"{name}.json")
    builder = Builder(codec(), quick_options(1), MODULE, NAMES.pin, None)
    service = tb87().services["transfer.card_to_card"]
    sent = HostMessage(
        request_id="r1",
        role="request",
        attempt=0,
        mti="0200",
        stan=STAMP.stan,
        field7=STAMP.field7,
        field32=STAMP.acquirer,
        field41=STAMP.terminal,
        field37=STAMP.reference,
        link="a",
        sent_at=AT,
    )
    made = builder.reversal(service, _request(service.name), sent, Stamp.of(sent), "time_out")
    assert {str(n): text for n, text in made.fields.items()} == vector["fields"]


@pytest.mark.parametrize(
    ("name", "code"), [("sign-on", "001"), ("sign-off", "002"), ("echo", "301")]
)
def test_network_messages_are_built_so(name: str, code: str) -> None:
    vector = _load(VECTORS / f"{name}.json")
    builder = Builder(codec(), quick_options(1), MODULE, NAMES.pin, None)
    made = builder.network(code, "000001", AT)
    fields = {str(n): text for n, text in made.fields.items() if n != 7}
    assert fields == {n: text for n, text in vector["fields"].items() if n != "7"}
