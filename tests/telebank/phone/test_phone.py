"""A phone whose bank answers and then says what the test has it say, or nothing at all."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator

import numpy as np

from telebank import rtp
from telebank.phone.hearing import Lexicon
from telebank.phone.phone import Phone, PhoneOptions
from telebank.phone.report import CallReport
from telebank.phone.script import parse_script
from voice_prompts import g711
from voice_prompts.bank import Bank, BankIndex

SDP = (
    "v=0\r\no=bank 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
)
CLIP = np.random.default_rng(3).integers(0, 256, 4_000, np.uint8)
BANK = Bank(BankIndex({"zh/a": (0, 4_000)}, {"zh/a": "words"}), {"pcma": CLIP, "pcmu": CLIP})


class ScriptedBank:
    """Answers INVITE and says `sound` by RTP, a packet each 20 ms; answers BYE while it lives."""

    def __init__(self, sound: bytes, *, dies: bool) -> None:
        self.sip, self.rtp = udp(), udp()
        self.sound, self.dies = sound, dies
        self.over = False

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                data, source = await loop.sock_recvfrom(self.sip, 65_536)
                method, text = data.partition(b" ")[0], data.decode()
                if method == b"INVITE":
                    port = int(re.findall(r"m=audio (\d+)", text)[0])
                    body = SDP.format(port=self.rtp.getsockname()[1])
                    self.sip.sendto(self.ok(text, body), source)
                    tasks.create_task(self.say(port))
                elif method == b"BYE" and not self.dies:
                    self.over = True
                    self.sip.sendto(self.ok(text, ""), source)

    def ok(self, request: str, body: str) -> bytes:
        kept = re.findall(r"(?m)^(?:Via|From|Call-ID|CSeq):.*\r\n", request)
        to = re.findall(r"(?m)^To:[^\r]*", request)[0]
        to = to if "tag=" in to else f"{to};tag=bank"
        host, port = self.sip.getsockname()
        head = f"SIP/2.0 200 OK\r\n{''.join(kept)}{to}\r\nContact: <sip:bank@{host}:{port}>\r\n"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    async def say(self, port: int) -> None:
        silence = bytes([g711.SILENCE["pcma"]]) * 160
        for number in range(1_000):
            payload = self.sound[number * 160 : number * 160 + 160]
            if self.over or (self.dies and not payload):
                return
            packet = rtp.Packet(8, False, number, number * 160, 7, payload or silence)
            self.rtp.sendto(rtp.build(packet), ("127.0.0.1", port))
            await asyncio.sleep(0.02)


def udp() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


@contextlib.asynccontextmanager
async def running(bank: ScriptedBank) -> AsyncIterator[Phone]:
    phone = Phone({law: Lexicon(BANK, law) for law in g711.LAWS})
    serving = asyncio.create_task(bank.serve())
    await phone.start()
    try:
        yield phone
    finally:
        await phone.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        bank.sip.close()
        bank.rtp.close()


async def ring(bank: ScriptedBank, keys: str, options: PhoneOptions) -> CallReport:
    async with running(bank) as phone:
        port = bank.sip.getsockname()[1]
        call = await phone.dial(f"sip:bank@127.0.0.1:{port}", options)
        async with asyncio.timeout(20):
            return await call.run(parse_script(keys))


async def test_a_bank_that_dies_ends_the_call() -> None:
    bank = ScriptedBank(CLIP.tobytes()[:1_600], dies=True)
    report = await ring(bank, "", PhoneOptions(silence_s=0.4))
    assert (report.status, report.why) == ("failed", "no sound from the bank for 0.4 s")
    assert report.packets == 10


async def test_what_was_waited_for_in_vain_is_the_reason() -> None:
    bank = ScriptedBank(b"", dies=False)
    report = await ring(bank, "~0.1 @a 1", PhoneOptions(patience_s=0.3))
    assert bank.over
    assert report.status == "failed"
    assert report.why == "waited 0.3 s for prompt a; group 3 was not pressed"


async def test_when_all_that_is_expected_was_heard_the_call_is_over() -> None:
    bank = ScriptedBank(CLIP.tobytes(), dies=False)
    report = await ring(bank, "", PhoneOptions(quiet_s=0.1, expect=("a",)))
    assert bank.over
    assert (report.status, report.ended_by) == ("ended", "local")
    assert [one.words for one in report.prompts] == ["words"]


async def test_expecting_in_vain_fails() -> None:
    bank = ScriptedBank(CLIP.tobytes(), dies=False)
    report = await ring(bank, "", PhoneOptions(patience_s=0.8, expect=("a", "b")))
    assert (report.status, report.why) == ("failed", "waited 0.8 s for prompt b")


async def test_a_script_that_is_over_stays_on_for_a_while_and_hangs_up() -> None:
    bank = ScriptedBank(CLIP.tobytes(), dies=False)
    report = await ring(bank, "!1", PhoneOptions(quiet_s=0.1, stay_s=0.3))
    assert bank.over
    assert (report.status, report.ended_by) == ("ended", "local")
    assert [one.words for one in report.prompts] == ["words"]


async def test_keys_are_pressed_after_speech_that_nobody_knows() -> None:
    unknown = np.random.default_rng(4).integers(0, 256, 4_000, np.uint8).tobytes()
    bank = ScriptedBank(unknown, dies=False)
    report = await ring(bank, "1", PhoneOptions(patience_s=3, quiet_s=0.1, stay_s=0.1))
    assert (report.status, report.ended_by) == ("ended", "local")
    assert [(one.prompt, one.words) for one in report.prompts] == [("", "(…)")]


async def test_a_phone_that_is_told_to_hang_up_says_bye() -> None:
    bank = ScriptedBank(CLIP.tobytes(), dies=False)
    async with running(bank) as phone:
        target = f"sip:bank@127.0.0.1:{bank.sip.getsockname()[1]}"
        call = await phone.dial(target, PhoneOptions())
        talking = asyncio.create_task(call.run(parse_script("~60")))
        async with asyncio.timeout(20):
            await call.answered.wait()
            phone.hang_up()
            report = await talking
    assert bank.over
    assert (report.status, report.ended_by) == ("ended", "local")
