"""A caller with a telephone and a fax machine at a node of this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.bank_process import Voice
from support.calls_house import House, open_house
from support.calls_peer import receive, udp
from support.fax_peer import Desk, FaxPeer
from support.fax_process import HOST, write_pages
from telebank.faxing.client import FaxProcess
from telebank.faxing.options import FaxingOptions
from telebank.rtp import Packet, build
from telebank.sip import SessionDescription

RATES = "1331"
"""Chinese, information, foreign currency, rates."""
FAX = "3"


@dataclass
class Scene:
    """A node, its desk, and one peer with a fax machine and a telephone."""

    house: House
    desk: Desk
    peer: FaxPeer
    folder: Path

    async def listens(self) -> None:
        """The caller listens to a list that can be had by fax."""
        self.rtp = udp()
        self.peer.send("INVITE", self.peer.sdp(self.rtp))
        status, sdp = await self.peer.response("INVITE")
        assert status == 200
        self.peer.send("ACK", cseq=self.peer.cseq)
        self.talks(sdp)
        await receive(self.rtp)
        await self.peer.press(RATES)
        await self.house.happens("node.entered", node="after_last")
        self.menus = self.menus_heard()

    async def asks(self) -> bytes:
        """The caller asks for his fax, and is silent from then on; the node's re-INVITE."""
        await self.listens()
        await self.peer.press(FAX)
        invite, _ = await self.peer.offered()
        self.breath.cancel()
        return invite

    def talks(self, sdp: bytes) -> None:
        """The caller breathes into his telephone, so that he is not taken for gone."""
        audio = SessionDescription.parse(sdp).audio
        assert audio is not None
        port = audio.port

        async def breathe() -> None:
            for number in range(10_000):
                packet = Packet(8, False, number, number * 160, 7, b"\xd5" * 160)
                self.rtp.sendto(build(packet), (HOST, port))
                await asyncio.sleep(0.25)

        self.breath = asyncio.create_task(breathe())

    async def speaks_again(self) -> None:
        """The node asks for speech, gets it, and is heard; the menu goes on."""
        invite, sdp = await self.peer.offered()
        assert b"m=audio 0" not in sdp
        assert b"telephone-event" in sdp
        port = self.rtp.getsockname()[1]
        audio = f"m=audio {port} RTP/AVP 8 101"
        event = "a=rtpmap:101 telephone-event/8000"
        self.peer.reply(invite, 200, self.peer.describes(audio, event, "m=image 0 udptl t38"))
        self.talks(sdp)
        await self.menu_goes_on()

    async def menu_goes_on(self) -> None:
        """What comes after the fax is said, and a key counts."""
        while True:  # what was sent before the fax
            try:
                self.rtp.recv(2048)
            except BlockingIOError:
                break
        assert len(await receive(self.rtp)) == 172
        await self.desk.until(lambda: self.menus_heard() > self.menus)

    def menus_heard(self) -> int:
        """How often the caller came to the menu behind the list."""
        events = self.house.log.events
        return sum(event.detail.get("node") == "after_last" for event in events)

    def keys(self) -> str:
        """The keys that the menus took."""
        events = self.house.log.events
        return "".join(str(event.detail["digit"]) for event in events if event.kind == "key")

    async def over(self) -> None:
        """The caller hangs up, and nothing is left of it."""
        self.breath.cancel()
        self.peer.send("BYE")
        await self.nothing_left()

    async def nothing_left(self) -> None:
        """No call, no leg that somebody takes the facts of, no line."""
        await self.house.idle()
        process = self.desk.process
        await self.desk.until(lambda: process.lines == (1 if self.peer.line else 0))
        assert self.house.node.counts()["claimed"] == 0


@asynccontextmanager
async def fax_process() -> AsyncIterator[FaxProcess]:
    """A running fax process."""
    process = FaxProcess(FaxingOptions())
    await process.start()
    assert process.missing == ""
    try:
        yield process
    finally:
        await process.close()


@asynccontextmanager
async def open_scene(folder: Path, voice: Voice, process: FaxProcess) -> AsyncIterator[Scene]:
    """A node whose list of rates is empty, and a caller who has not called yet."""
    desk = Desk(process, write_pages(folder / "page.tiff", rows=200), folder / "came.tiff")
    async with open_house(folder, voice, faxes=desk, media_timeout_s=8.0) as house:
        house.script.exits["info.fx_rates"] = ("last", {"items": ()})
        peer = FaxPeer(house.node.address, "fax")
        try:
            yield Scene(house, desk, peer, folder)
        finally:
            peer.close()
