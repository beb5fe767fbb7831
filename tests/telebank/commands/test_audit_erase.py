"""`telebank audit erase`: two people, entries that stay, a log that verifies, legal holds."""

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from support.audit_log import AuditLog, sign
from support.key_people import logged_in, people, run
from support.staff_house import House, open_house
from support.store_kit import NOON
from telebank.commands.wiring.erasing import PATH
from telebank.retention.holds import CUSTOMER, Wanted, place
from telebank.settings import store_url
from telebank.store import erasing, tables
from telebank.store.engine import is_sqlite
from telebank.store.seat_tables import contact
from telebank.store.signing import Signer
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.card import CardNumber
from transactions.journal import JournalEvent

CARD = CardNumber("6227001234567891")
OTHER = CardNumber("9900001234567899")
NOTE = ("--note", "asked for it by letter")
MANY = 450


async def written(house: House) -> None:
    """Entries that speak of one customer, of another, and of nobody."""
    token, other = house.store.vault.token(CARD), house.store.vault.token(OTHER)

    def job(part: Transaction) -> None:
        for number in range(MANY):
            detail: dict[str, Any] = {"customer": token, "card_masked": CARD.masked, "n": number}
            part.event(JournalEvent("customer.looked", detail=detail))
        part.event(JournalEvent("payee.added", actor=other, detail={"payee_masked": "*other"}))
        part.event(JournalEvent("call.started", call="c1", detail={"from_masked": "138****0001"}))
        part.event(JournalEvent("call.started", call="c2", detail={"from_masked": "138****0002"}))
        part.event(JournalEvent("node.started"))
        part.execute(insert(contact), talk(token))

    await house.store.journal.run(job)


def talk(customer: str) -> dict[str, Any]:
    """A talk with him in call c1."""
    words = dict.fromkeys(
        ("queue", "card_masked", "caller_masked", "business", "how_ended", "note_key_id"), ""
    )
    return {
        **words,
        "id": "01-1-K1",
        "node": "01",
        "epoch": 1,
        "call": "c1",
        "seat": "li",
        "direction": "in",
        "began": NOON,
        "hold_s": 0,
        "wrap_s": 0,
        "language": "zh",
        "customer": customer,
        "level": 2,
        "note_ciphertext": b"",
    }


def speaking(house: House) -> list[str]:
    """What the log still says of people."""
    rows = house.rows(tables.event)
    assert all((row.salt is None) == (row.personal is None) for row in rows)
    return sorted(str(value) for row in rows for value in (row.personal or {}).values())


async def both(house: House, typed: str, *words: str, code: int = 0) -> str:
    for who, expected in (("chen", 0), ("wu", code)):
        done = await run(house, "audit", "erase", *words, *NOTE, keys=typed, session=who)
        assert done.exit_code == expected, done.output
    return done.output


async def test_what_speaks_of_a_person_goes_and_the_log_verifies(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, _ = await people(house)
        for one in (chen, wu):
            await logged_in(house, one)
        await written(house)
        before = len(house.rows(tables.event))
        assert len(speaking(house)) >= MANY + 3
        token = house.store.vault.token(CARD)
        asked = await house.ask(wu, "POST", PATH, {"token": token, "kind": "card"})
        assert (asked.status, asked.body["code"]) == (403, "not_agreed")
        told = await both(house, CARD.digits)
        assert f"{MANY + 1} entries speak no more of {CARD.masked}" in told
        assert CARD.digits not in told
        assert speaking(house) == ["*other", "138****0002"]
        done = [row for row in house.rows(tables.event) if row.kind == erasing.KIND]
        assert sum(row.detail["entries"] for row in done) == MANY + 1
        assert {(row.actor, row.detail["customer"]) for row in done} == {("wu", token)}
        assert max(row.detail["entries"] for row in done) == erasing.MOST
        assert len(house.rows(tables.event)) > before, "no entry is gone"
        assert "0 entries" in await both(house, "", "--customer", token)
        signer = Signer(store_url(tmp_path), "01", tmp_path / "keys")
        await sign(house.store, signer)
        signer.close()
    log = AuditLog(tmp_path)
    log.anchors.mkdir()
    log.keep_keys()
    await log.more(1)
    said = log.verify()
    assert said["good"] is True, said
    assert said["logs"][0]["without_personal"] == MANY + 1
    if is_sqlite(store_url(tmp_path)):
        octets = b"".join(path.read_bytes() for path in tmp_path.glob("telebank.db*"))
        assert b"138****0002" in octets
        for gone in (CARD.masked.encode(), b"138****0001"):
            assert gone not in octets, "what was erased is overwritten in the file"


async def test_nothing_is_erased_under_a_legal_hold(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, _ = await people(house)
        for one in (chen, wu):
            await logged_in(house, one)
        await written(house)
        before = speaking(house)
        token = house.store.vault.token(CARD)
        words = ("audit", "erase", "--customer", token, *NOTE)
        proposed = await run(house, *words, session="chen")
        assert proposed.exit_code == 0, proposed.output
        by = Actor("wu", "supervisor", "here")
        other = house.store.vault.token(OTHER)
        for number, held in enumerate((token, other)):
            hold = Wanted(f"h{number}", CUSTOMER, held, "a lawsuit")
            await house.store.journal.run(partial(place, wanted=hold, by=by))
        approved = await run(house, *words, session="wu")
        assert (approved.exit_code, "legal hold" in approved.output) == (1, True)
        anew = await run(house, *words[:3], other, *NOTE, session="chen")
        assert (anew.exit_code, "legal hold" in anew.output) == (1, True)
        assert speaking(house) == before


async def test_a_number_of_a_fax_is_erased_and_other_faxes_stay(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, _ = await people(house)
        for one in (chen, wu):
            await logged_in(house, one)
        token = house.store.vault.digest("02055550000")

        def job(part: Transaction) -> None:
            for fax, named in (("F1", token), ("F2", "another")):
                detail = {"fax": fax, "number_masked": f"020****{fax}", "number_token": named}
                part.event(JournalEvent("fax.sent", detail=detail))

        await house.store.journal.run(job)
        told = await both(house, "020 5555 0000\n", "--number")
        assert "1 entries" in told
        assert speaking(house) == ["020****F2"]


async def test_what_names_nobody_is_a_wrong_command(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        for words in (("--customer", "abc"), ("--customer", "a" * 64, "--number")):
            done = await run(house, "audit", "erase", *words)
            assert (done.exit_code, "stands alone" in done.output) == (2, True)
        done = await run(house, "audit", "erase", keys="1234")
        assert done.exit_code == 2
