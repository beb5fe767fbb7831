"""Media and reports of strangers, to every port of a node, while callers hear their balances: they
get nothing, nothing of theirs is heard, and nothing that is heard changes."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bank_process import HOST, BankProcess, Voice
from support.flood_ears import Ear
from support.flood_spoofs import Spoofer, free_range, volley
from support.media_peer import Peer as Media
from telebank.phone.phone import PhoneCall, PhoneOptions
from telebank.phone.script import parse_script

PAIRS = 12
ELSEWHERE = "127.0.0.77"
AGAIN_S = 0.25

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]


class Strangers:
    """One beside a caller on his machine, and one on another with the very same port."""

    def __init__(self, known: Media, ports: range) -> None:
        self._known, self._ports = known, ports
        self.all = [Spoofer(HOST), Spoofer(ELSEWHERE, known.port)]

    async def shoot(self, seconds: float) -> None:
        """At every port, for so long."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            for one in self.all:
                one.shoot(self._ports, volley(self._known))
                await asyncio.sleep(0)
                one.shoot(self._ports, volley(None))
                await asyncio.sleep(AGAIN_S)

    def came_back(self) -> list[bytes]:
        """Whatever was sent to one of them."""
        return [data for one in self.all for data in one.came_back()]

    @property
    def sent(self) -> int:
        """What they sent."""
        return sum(one.sent for one in self.all)


@contextlib.contextmanager
def strangers(known: Media, ports: range) -> Iterator[Strangers]:
    made = Strangers(known, ports)
    try:
        yield made
    finally:
        for one in made.all:
            one.close()


async def until_heard(call: PhoneCall, prompt: str, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not call.report.heard(prompt):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("learn", "silent_s"),
    [(True, 0.5), (False, 3.0)],
    ids=["as shipped", "a source that is never learnt"],
)
async def test_strangers_at_every_port(
    voice: Voice, tmp_path: Path, learn: bool, silent_s: float
) -> None:
    """The callers say nothing at first: as shipped nobody else may be learnt for a second."""
    ports = free_range(PAIRS)
    media = {"port_low": ports[0], "port_high": ports[-1], "learn_source": learn}
    sip = {"t1": 0.1, "t2": 0.4, "t4": 0.4}  # what is over is forgotten after 6.4 s
    with BankProcess.start(tmp_path / "bank", voice, media=media, sip=sip) as bank:
        host, _, port = bank.sip.rpartition(":")
        ear = Ear((host, int(port)), "ear", events=False)  # whose keys are looked for in his sound
        card = bank.cards[0]
        keys = f"!1 @lang.chosen !1 @auth.card !{card.card}# @auth.pin !{card.pin}"
        keys += " ~1 !1 ~1 !1 @bal.amount ~1.5 !* ~1 !* ~1 !9 @sys.goodbye"
        before = await asyncio.to_thread(bank.wait_idle)
        with strangers(ear.media, ports) as bad:
            async with bank.phone() as phone:
                await bad.shoot(0.5)  # at nobody
                await ear.answered()
                call = await phone.dial(
                    bank.uri, PhoneOptions(expect=("bal.amount", "sys.goodbye"))
                )
                call.media.muted = True
                await asyncio.wait_for(call.answered.wait(), 10)
                await bad.shoot(silent_s)
                ear.talk(again=False)
                call.media.muted = False
                shooting = asyncio.create_task(bad.shoot(600))
                await until_heard(call, "sys.welcome")
                heard = ear.count
                report = await call.run(parse_script(keys))
                shooting.cancel()
                await asyncio.gather(shooting, return_exceptions=True)
                sound = ear.sound(heard)
                await ear.hang_up()
            await ear.close()
            assert bad.came_back() == []
            after = await asyncio.to_thread(bank.wait_idle)
            foreign = after["total_media_foreign"]
            print(f"\n{bad.sent} datagrams of strangers, {foreign} counted; {sound}; {report.why}")
        assert report.heard("bal.amount")
        assert not [prompt.words for prompt in report.prompts if not prompt.prompt]
        assert sound.gaps == 0
        assert sound.packets > 500
        assert foreign > 50
        assert after["tasks"] == before["tasks"]
        told = bank.calls(2)
        pressed = sorted(row.path.replace(" ", "") for row in told)
        assert pressed == ["", "11" + "•" * 29 + "11**9"]
        assert {row.ended_by for row in told} == {"local", "remote"}  # after the goodbye, the ear
        assert "call.media_lost" not in bank.log_text()
