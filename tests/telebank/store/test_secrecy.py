"""After driving the journal no clear card number and no PIN is in any file, in any spelling."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from support.store_kit import DAY, PAYEE, PAYER, message, money_plan, open_store, rows, transfer
from support.store_postgresql import StoreServer
from telebank.store import tables
from transactions.card import CardNumber
from transactions.journal import GuardKey, JournalEvent, Recorded, RecordPlan
from transactions.lifecycle import State
from transactions.money import Money
from transactions.outcome import Approved
from transactions.request import Request
from transactions.secret import Secret

PIN = "824690135768"
IDENTITY = "110101199003078888"
PROBE = "01-probe-0451"


def _spellings(digits: str) -> list[bytes]:
    """Text, UTF-16, hexadecimal of the text, BCD both ways round, base64 (all three phases)."""
    even = digits if len(digits) % 2 == 0 else digits + "f"
    bcd = bytes.fromhex(even)
    swapped = bytes((byte >> 4) | (byte & 15) << 4 for byte in bcd)
    found = [digits.encode(), digits.encode("utf-16-le"), digits.encode("utf-16-be")]
    found += [digits.encode().hex().encode(), bcd, swapped]
    for phase in range(3):
        text = base64.b64encode(b"\0" * phase + digits.encode())
        found.append(text[4 if phase else 0 : -4])
    return found


@pytest.fixture
def disk(place: Path, request: pytest.FixtureRequest) -> list[Path]:
    """Folders to which the database writes."""
    if "postgresql" not in request.node.name:
        return [place]
    server: StoreServer = request.getfixturevalue("server")
    return [place, server.cluster.data]


async def test_no_file_holds_a_card_number_or_pin(place: Path, disk: list[Path]) -> None:
    async with open_store(place) as store:
        journal = store.journal
        verify = Request("p", "pin.verify", 1, {"card": PAYER, "pin": Secret(PIN)}, "customer")
        assert isinstance(await journal.record(verify, RecordPlan("read", "none", "h")), Recorded)
        await journal.count_attempt(f"pin:{store.vault.token(PAYER)}", 3, DAY)
        clear = GuardKey(PAYER.digits, PAYEE.digits, Money.parse("100.00"))
        result = await journal.record(transfer("t"), money_plan(guard=clear))
        assert isinstance(result, Recorded)
        await journal.sending(message("t", "000001"))
        data = {"card": CardNumber(PAYEE.digits), "ref": "88", "available": Money.parse("1")}
        await journal.advance("t", [State.APPROVED], outcome=Approved(data, "H1"))
        loss = Request("l", "card.report_loss", 1, {"card": PAYER, "identity": IDENTITY}, "c")
        loss = replace(loss, reference="010000000009")
        await journal.record(loss, RecordPlan("state", "repeat", "h", hot_list=PAYER))
        await journal.append(JournalEvent("key", call=PROBE, detail={"digit": "•", "node": "pin"}))
        assert len(await journal.open_rows()) == 2
        assert sum(map(_search, disk)) > 0
    _search(place)


def _search(folder: Path) -> int:
    """Search every file; return how many hold what was really written."""
    found = 0
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        found += PROBE.encode() in content
        for digits in (PAYER.digits, PAYEE.digits, PIN, IDENTITY):
            for spelling in _spellings(digits):
                assert spelling not in content, (path.name, spelling)
    return found


def test_the_search_would_find_them(tmp_path: Path) -> None:
    for number, spelling in enumerate(_spellings(PAYER.digits)):
        path = tmp_path / str(number)
        path.write_bytes(b"before" + spelling + b"after")
        try:
            _search(tmp_path)
        except AssertionError:
            path.unlink()
        else:
            raise RuntimeError(f"the search misses spelling {number}")


@pytest.mark.parametrize(
    "payee", ["6227001234567899 ZHANG", "Z 6227 0012 3456 7899", "62270012345678990"]
)
async def test_a_number_in_a_text_of_the_host_is_masked(place: Path, payee: str) -> None:
    """Should an adapter let one through: what the host called the payee, and any text it gave."""
    request = transfer("r1")
    request = transfer(
        "r1", inputs={**request.inputs, "payee_masked": payee, "note": f"to {payee}"}
    )
    async with open_store(place) as store:
        await store.journal.record(request, money_plan(), message("r1", "000001"))
        said = Approved({"payee_masked": f"*{payee}", "quote": "123456789012"}, "")
        await store.journal.advance("r1", [State.APPROVED], outcome=said)
    (row,) = rows(place, tables.request)
    kept = f"{row.payee_masked} {row.inputs} {row.outcome_data}"
    assert "".join(char for char in payee if char.isdigit()) not in kept.replace(" ", "")
    assert "622700******" in row.payee_masked.replace("*******", "******")
    assert row.outcome_data["quote"] == "123456789012"
