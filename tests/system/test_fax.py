"""Faxes that never leave: what may not be sent, what waits, and a node without the library."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.bank_process import BankProcess, Voice
from support.fax_bank import FaxDesk, write_pdf
from support.money_caller import prompts, prove, ring_all
from support.release_scene import query

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

GATEWAY = {"gateway": "127.0.0.1:9", "allow": ["020*"], "deny": ["020168*"]}
NUMBER = "02055550000"
TODAY_BY_FAX = "!4 !4 !5"
"""Loans and investments, securities, today's transfers by fax."""


def _later(days: int = 0, hours: int = 2) -> str:
    return (datetime.now(UTC) + timedelta(days=days, hours=hours)).isoformat(timespec="seconds")


def _only_what_was_handed_over(bank: BankProcess, token: str) -> None:
    """A paper is a folder of its own place, with the digest that was said, of somebody logged
    in."""
    body: dict[str, Any] = {
        "request_id": "abcdefgh",
        "paper": "0123456789abcdef",
        "sha256": "0" * 64,
        "pages": 1,
        "title": "a.pdf",
        "to": NUMBER,
    }
    folder = bank.data / "fax" / "handed" / str(body["paper"])
    folder.mkdir()
    write_pdf(folder / "paper.pdf", 1)
    (folder / "pages.tiff").write_bytes(b"II*\0")
    transport = httpx.HTTPTransport(uds=str(bank.data / "control.sock"))
    with httpx.Client(transport=transport, base_url="http://node") as client:
        assert client.post("/v1/faxes", json=body).status_code == 401
        client.headers["Authorization"] = f"Bearer {token}"
        for number, paper in enumerate((body["paper"], "f" * 16, "../../../etc/pass")):
            odd = {**body, "request_id": f"abcdefg{number}", "paper": paper}
            answer = client.post("/v1/faxes", json=odd)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    shutil.rmtree(folder)


async def test_what_waits_is_listed_shown_and_cancelled(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice, outbound=GATEWAY) as bank:
        desk = FaxDesk.found(bank, tmp_path / "private")
        pdf = write_pdf(tmp_path / "statement.pdf", 2)

        taken = desk.send(pdf, "020-5555 0000", "--at", _later())
        assert (taken["pages"], taken["state"]) == (2, "queued")
        fax = taken["id"]
        listed = json.loads(desk.fax("list", "--state", "queued", "--json").out)
        assert [one["id"] for one in listed] == [fax]
        shown = desk.show(fax)
        assert (shown["by"], shown["title"], shown["attempt"]) == ("wu", "statement.pdf", 0)
        folder = Path(shown["folder"])
        modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
        assert modes == {folder.name: 0o700, "paper.pdf": 0o600, "pages.tiff": 0o600}
        assert (folder / "paper.pdf").read_bytes() == pdf.read_bytes()

        for number in ("0201680001", "sip:fax@127.0.0.1:9"):
            ran = desk.fax("send", str(pdf), number, "--json")
            assert ran.code == 1, ran
            assert "[outbound]" in ran.json["error"]
        assert len(json.loads(desk.fax("list", "--json").out)) == 1
        assert not list((bank.data / "fax" / "handed").iterdir())

        _only_what_was_handed_over(bank, desk.who.session.read_text().strip())

        other = desk.send(pdf, NUMBER, "--at", _later())["id"]
        assert desk.fax("cancel", fax).code == 0
        again = desk.fax("cancel", fax)
        assert (again.code, "cancelled" in again.err) == (1, True)
        assert desk.fax("cancel", "01-9-F9").code == 1

        bank.restart()
        assert [desk.show(one)["state"] for one in (fax, other)] == ["cancelled", "queued"]
        told = query(
            bank, "SELECT kind, actor FROM event WHERE kind LIKE 'fax.%' ORDER BY sequence"
        )
        kinds = ("fax.queued", "fax.queued", "fax.cancelled")
        assert list(told) == [(kind, "wu") for kind in kinds]
        written = bank.log_text() + str(query(bank, "SELECT detail FROM event"))
        assert NUMBER not in written


async def test_without_the_library_all_else_works(voice: Voice, tmp_path: Path) -> None:
    library = {"library": "libspandsp-that-is-not-there.so.2"}
    with BankProcess.start(tmp_path / "bank", voice, fax_process=library) as bank:
        assert bank.log_text().count("apt-get install libspandsp2") == 1
        state = bank.control("/v1/faxes")
        assert state["available"] is False
        assert "apt-get install libspandsp2" in state["missing"]
        assert bank.pids_of("telebank.faxing") == []

        desk = FaxDesk.found(bank, tmp_path / "private")
        ran = desk.fax("send", str(write_pdf(tmp_path / "a.pdf", 1)), NUMBER)
        assert ran.code == 1
        assert "apt-get install libspandsp2" in ran.err

        balance, fax = f"{prove(bank.cards[0])} !1 !1", f"{prove(bank.cards[1])} {TODAY_BY_FAX}"
        async with bank.phone() as phone:
            calls = ((balance, "bal.amount"), (fax, "fax.down"))
            reports = await ring_all(bank, phone, calls)
        for report, (_, told) in zip(reports, calls, strict=True):
            assert told in prompts(report), prompts(report)
