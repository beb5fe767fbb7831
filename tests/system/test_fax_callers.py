"""Callers of a real node who have something on paper: in the call, with the menu afterwards; later,
at a number; and where the rules do not let them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fax.terminal import Accept
from support.bank_process import BankProcess, Voice
from support.calls_peer import receive, udp
from support.fax_bank import beneath_header, faxes_of, rasters, same
from support.fax_peer import FaxPeer
from support.fax_process import HOST, RECEIVER
from support.money_caller import prompts, prove, ring_all
from telebank.faxing.client import FaxProcess
from telebank.faxing.options import FaxingOptions
from telebank.rtp import Packet, build
from telebank.sip import SessionDescription

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(400)]

RATES_BY_FAX = "13313"
"""Chinese, information, foreign currency, rates, by fax."""
RECENT_LATER = "!1 !3 @fax.offer !3 !4 !2359#"
"""Enquiries, what moved lately, by fax, a minute before midnight."""
FAX_S = 200.0


@dataclass
class Caller:
    """A telephone with a fax machine beside it, on one line."""

    peer: FaxPeer
    breath: set[asyncio.Task[None]] = field(default_factory=set)

    async def rings(self) -> None:
        """The bank answers."""
        self.rtp = udp()
        self.peer.send("INVITE", self.peer.sdp(self.rtp))
        status, sdp = await self.peer.response("INVITE")
        assert status == 200
        self.peer.send("ACK", cseq=self.peer.cseq)
        self.talks(sdp)

    def talks(self, sdp: bytes) -> None:
        """He breathes, so that he is not taken for gone."""
        audio = SessionDescription.parse(sdp).audio
        assert audio is not None
        port = audio.port

        async def breathe() -> None:
            for number in range(10_000):
                packet = Packet(8, False, number, number * 160, 7, b"\xd5" * 160)
                self.rtp.sendto(build(packet), (HOST, port))
                await asyncio.sleep(0.25)

        self.holds_breath()
        self.breath.add(asyncio.create_task(breathe()))

    def holds_breath(self) -> None:
        """Not a packet from him."""
        while self.breath:
            self.breath.pop().cancel()

    async def takes_pages(self, machine: FaxProcess, tiff: Path) -> None:
        """Presses start: the bank's T.38 goes to his machine until it is done."""
        invite, offer = await self.peer.offered()
        self.holds_breath()
        await self.peer.machine(machine)
        self.peer.begin_t38(offer, Accept(tiff), RECEIVER)
        self.peer.reply(invite, 200, self.peer.image)

    async def listens_again(self) -> None:
        """The bank asks for speech, has it, and goes on talking."""
        invite, sdp = await self.peer.offered(FAX_S)
        assert b"m=audio 0" not in sdp
        port = self.rtp.getsockname()[1]
        event = "a=rtpmap:101 telephone-event/8000"
        audio = (f"m=audio {port} RTP/AVP 8 101", event, "m=image 0 udptl t38")
        self.peer.reply(invite, 200, self.peer.describes(*audio))
        self.talks(sdp)
        while True:  # what came before the fax
            try:
                self.rtp.recv(2048)
            except BlockingIOError:
                break
        assert len(await receive(self.rtp)) == 172


@asynccontextmanager
async def calling(bank: BankProcess) -> AsyncIterator[Caller]:
    """Somebody who rings the bank; he hangs up at the end."""
    host, _, port = bank.sip.rpartition(":")
    caller = Caller(FaxPeer((host, int(port)), "fax"))
    await caller.rings()
    try:
        yield caller
    finally:
        caller.holds_breath()
        caller.peer.send("BYE")
        caller.peer.close()


async def test_rates_on_paper_in_the_call_and_the_menu_goes_on(
    voice: Voice, tmp_path: Path
) -> None:
    machine = FaxProcess(FaxingOptions())
    await machine.start()
    try:
        with BankProcess.start(tmp_path / "bank", voice) as bank:
            async with calling(bank) as caller:
                await caller.peer.press(RATES_BY_FAX)
                await caller.takes_pages(machine, tmp_path / "got.tiff")
                await caller.listens_again()
            (fax,) = faxes_of(bank)
            assert (fax.state, fax.way, fax.document) == ("done", "call", "fx_rates"), fax
            sent = rasters(bank.data / "fax" / fax.folder / "pages.tiff")
            assert same(beneath_header(rasters(tmp_path / "got.tiff"), sent), sent)
            assert fax.confirmed == fax.pages == len(sent)
            bank.wait_idle()
    finally:
        await machine.close()


async def test_later_at_a_number_that_may_be_called(voice: Voice, tmp_path: Path) -> None:
    rules = {"gateway": "127.0.0.1:9", "allow": ["020*"]}
    with BankProcess.start(tmp_path / "bank", voice, outbound=rules) as bank:
        numbers = (("02055550000", "fax.accepted"), ("01055550000", "fax.refused"))
        calls = [
            (f"{prove(who)} {RECENT_LATER} !{number}# @sys.confirm !1", told)
            for who, (number, told) in zip(bank.cards, numbers, strict=False)
        ]
        async with bank.phone() as phone:
            reports = await ring_all(bank, phone, calls)
        for report, (_, told) in zip(reports, calls, strict=True):
            assert told in prompts(report), prompts(report)
        (fax,) = faxes_of(bank)
        assert (fax.state, fax.way, fax.document) == ("queued", "number", "card_recent")
        assert fax.due_at.minute == 59
        assert "02055550000" not in bank.log_text()
