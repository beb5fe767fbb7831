"""A teller does a transfer for his caller in a running bank: the form for what the caller was at,
the read-back, the PIN on the caller's own keys, and one posting at the host."""

import asyncio
import shutil
from pathlib import Path

import pytest

from core_adapters.corehost.seed import SeedCard
from support.bank_process import BankProcess, Voice
from support.baresip import baresip
from support.desk_page import REGISTRAR, Page, until
from support.money_journal import MoneyJournal, assert_whole
from support.money_secrets import findings
from support.release_scene import Staff, query
from telebank.phone.phone import PhoneOptions
from transactions.card import CardNumber

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        shutil.which("baresip") is None, reason="baresip is not installed: apt-get install baresip"
    ),
]
WRONG = "000000"


def at_transfers(who: SeedCard) -> str:
    """Chinese, card and PIN, transfers, to a card; there he wants a person."""
    return f"11{who.card}#{who.pin}#210#"


async def test_a_transfer_by_a_teller_is_confirmed_by_the_callers_pin(
    tmp_path: Path, voice: Voice
) -> None:
    with BankProcess.start(tmp_path / "bank", voice, registrar=REGISTRAR) as bank:
        staff = Staff.found(bank, tmp_path / "private")
        words = ("phones", "add", "8001", "--name", "Counter", "--md5", "--json")
        secret = staff.desk.run(staff.chen, *words).json["secret"]
        assert staff.desk.run(staff.wu, "staff", "skills", "wu", "general=5").code == 0
        page, payer, payee = Page(bank, staff.wu.session), bank.cards[0], bank.cards[1]
        before = bank.host.balances()
        async with (
            baresip(tmp_path / "phone", f"sip:8001@{bank.sip}", secret),
            bank.phone() as phone,
        ):
            await until(lambda: bank.counts()["phones_contacts"])
            page.does("enter", phone="8001")
            page.does("state", state="ready")
            caller = await phone.dial(bank.uri, PhoneOptions(max_seconds=300))
            await asyncio.wait_for(caller.answered.wait(), 60)
            caller.press(at_transfers(payer))
            row = await until(lambda: page.call("talking"))
            assert (row["level"], row["business"]) == (2, "transfer")
            call = row["key"]

            offer = page.looks("services", call=call)
            assert offer["business"] == "transfer.card_to_card"
            wrong = page.posts(
                "services/quote",
                call=call,
                service=offer["business"],
                fields={"to": payee.card[:-1], "amount": "0"},
            )
            assert set(wrong["fields"]) == {"to", "amount"}
            slip = page.posts(
                "services/quote",
                call=call,
                service=offer["business"],
                fields={"to": payee.card, "amount": "100.00"},
            )
            assert [line["value"]["en"] for line in slip["lines"]] == [
                CardNumber(payee.card).masked,
                "100.00 yuan",
                "0.00 yuan",
            ]
            named = {"call": call, "slip": slip["slip"]}

            assert page.posts("services/confirm", **named)["state"] == "pin"
            caller.press(f"{WRONG}#")  # asked again by the machine; the teller takes him back
            await until(lambda: page.call("pin")["pin"].startswith("6 of") or None)
            page.does("resume")
            assert page.looks("services/slip", **named)["state"] == "open"

            assert page.posts("services/confirm", **named)["state"] == "pin"
            assert page.posts("services/confirm", **named)["state"] == "pin"
            caller.press(f"{payer.pin}#")
            done = await until(lambda: _ended(page, named))
            assert page.posts("services/confirm", **named) == done
            assert done["result"]["kind"] == "done", done
            assert done["result"]["words"]["zh"].startswith("转账成功")
            await until(lambda: page.call("talking"))
            assert page.posts("services/say", **named)["slip"] == slip["slip"]
            await until(lambda: page.looks("services/slip", **named)["told"])
            board = repr([page.rows("CallRow"), offer, slip, done])
            caller.hang_up()
            await until(lambda: page.rows("SeatRow")[0]["state"] == "wrap_up")
        await until(lambda: not bank.counts()["calls"] + bank.counts()["media_channels"])

        posted = MoneyJournal(bank.data).only(payer)
        assert posted.history == ["RECORDED", "SENT", "APPROVED"]
        assert posted.messages == [("0200", "00")]
        assert (posted.told, posted.reference) == ("ok", done["result"]["reference"])
        ((actor, channel, auth),) = query(bank, "select actor, channel, auth from request")
        assert (actor, channel, auth) == ("wu", "teller", "pin")
        states = "select distinct actor, role, origin from event where kind = 'request.state'"
        assert [tuple(one) for one in query(bank, states)] == [("wu", "teller", "teller")]
        served = query(bank, "select actor, detail from event where kind = 'contact.service'")
        assert {one[0] for one in served} == {"wu"}
        held = bank.host.balances()
        assert held[payer.card] == before[payer.card] - 10_000
        assert held[payee.card] == before[payee.card] + 10_000
        await asyncio.to_thread(assert_whole, bank)
        assert list((bank.data / "recordings").iterdir())
        assert await asyncio.to_thread(findings, bank.data) == []
        for secret_digits in (payer.pin, payer.card, payee.card):
            assert secret_digits not in board


def _ended(page: Page, named: dict[str, str]) -> dict[str, object] | None:
    slip = page.looks("services/slip", **named)
    return slip if slip["state"] == "done" else None
