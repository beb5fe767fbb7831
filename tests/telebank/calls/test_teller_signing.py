"""A customer signs what his teller does for him: the machine reads it to him, asks for his PIN, and
tells him how it ended. Real calls; what is played is noted where it goes to the media."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.bank_process import Voice
from support.calls_house import CARD, PIN
from support.form_counter import DONE, PAYEE, TERMS
from support.media_bridge import share, tone
from support.teller_scene import CallerAt, Phone, Scene, scene
from telebank import wire
from telebank.agents.board import CallRow
from telebank.calls.edition import Edition
from telebank.calls.forms.clerk import Clerk
from telebank.calls.forms.slips import Slip
from telebank.calls.tellers.customer import Customer
from telebank.calls.tellers.values import CallerCard
from telebank.flow.commands import Say, Spoken, Told
from telebank.media.client import MediaChannel
from transactions.money import Money
from transactions.request import Language

LI, CALLER, FLAT = 900.0, 550.0, 450.0
TRANSFER = "transfer.card_to_card"


@dataclass
class Signing:
    """Li, who talks with somebody that proved himself, and does transfers for him."""

    it: Scene
    clerk: Clerk
    phone: Phone
    caller: CallerAt
    call: str
    played: list[str] = field(default_factory=list)

    @property
    def row(self) -> CallRow:
        row = self.it.room.row("CallRow", self.call, for_supervisor=False)
        assert isinstance(row, CallRow)
        return row

    async def until(self, there: Callable[[], Any], what: str) -> None:
        """Wait; everybody goes on talking."""
        try:
            async with asyncio.timeout(60):
                while not there():
                    await self.it.pause(0.05)
        except TimeoutError:
            raise AssertionError(f"never: {what}; played {self.played}") from None

    async def quote(self) -> Slip:
        fields = {"to": PAYEE, "amount": "100.00"}
        slip = await self.clerk.quote("li", self.call, TRANSFER, fields)
        assert isinstance(slip, Slip)
        return slip

    async def asked_to_sign(self, slip: Slip) -> None:
        """It was read to him, and he is asked for his PIN."""
        self.clerk.confirm("li", self.call, slip.id)
        assert (slip.state, self.row.state, self.row.step) == ("pin", "pin", "terms")
        await self.until(lambda: self.row.pin == "0 of 6", "he is asked for his PIN")
        assert self.row.step == "pin"

    def asked(self) -> list[str]:
        """Services that were asked for, of the transfer and the PIN that signs it."""
        asked = [request.service for request in self.it.house.script.asked]
        return asked[asked.index("transfer.quote") + 1 :]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are played, in order; what is only looked at has no token."""
    texts: list[str] = []
    segments = Edition.segments

    def noted(edition: Edition, say: Say) -> tuple[tuple[int, int], ...]:
        if say.token:
            texts.extend(f"{say.language} {spoken.prompt_id}" for spoken in say.prompts)
        return segments(edition, say)

    monkeypatch.setattr(Edition, "segments", noted)
    return texts


@pytest.fixture
async def it(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    async with scene(tmp_path, voice) as found:
        found.house.script.exits |= {"transfer.quote": ("ok", TERMS), TRANSFER: ("ok", DONE)}
        yield found


async def signing(it: Scene, played: list[str], language: Language = "zh") -> Signing:
    phone = await it.phone("8001", LI)
    assert it.room.enter("li", "Li", "8001", {"general": 5}) is None
    assert it.room.want("li", "ready") is None
    first = "1" if language == "zh" else "2"
    caller = await it.caller("one", CALLER, f"{first}1{CARD}#{PIN}#0")
    await it.answers(phone)
    (row,) = [row for row in it.room.rows(for_supervisor=True) if isinstance(row, CallRow)]
    row = await it.state("CallRow", row.key, "talking")
    assert (row.level, row.language) == (2, language)
    await it.pause(0.3)
    played.clear()
    clerk = Clerk(it.room, asyncio.get_running_loop().time)
    return Signing(it, clerk, phone, caller, row.key, played)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_terms_then_pin_then_the_result_in_his_language(
    it: Scene, played: list[str], language: Language
) -> None:
    desk = await signing(it, played, language)
    slip = await desk.quote()
    assert played == [], "it was read to nobody yet"
    desk.clerk.confirm("li", desk.call, slip.id)
    assert (slip.state, desk.row.state, desk.row.step) == ("pin", "pin", "terms")
    await desk.caller.sip.press(f"{PIN}#")  # as a dishonest teller has told him: before he heard
    assert desk.phone.ear is not None
    await it.talk(1.0)
    assert desk.phone.ear.hears(FLAT)
    assert share(desk.phone.ear.peer.audio, CALLER) < 0.05
    assert not desk.caller.ear.hears(LI), "he hears the machine, and not his teller"
    await desk.until(lambda: desk.row.pin == "0 of 6", "he is asked for his PIN")
    said = [f"{language} {text}" for text in ("desk.terms", "tr.confirm", "desk.sign")]
    assert played == said
    assert desk.asked() == []
    await desk.caller.sip.press(f"{PIN}#")
    desk.caller.ear.peer.say(tone(CALLER))
    await desk.until(lambda: slip.told, "he hears the result")
    assert played == [*said, f"{language} tr.done"]
    assert desk.asked() == ["pin.verify", TRANSFER]
    assert [exit_name for _, exit_name in it.house.script.heard][-1] == "ok"
    steps = [row.step for row in it.seen if isinstance(row, CallRow)]
    assert [steps.index(one) for one in ("terms", "pin", "result")] == sorted(
        steps.index(one) for one in ("terms", "pin", "result")
    )
    assert (desk.row.step, desk.row.state, slip.saying) == ("", "talking", False)
    assert CARD not in repr(it.seen)
    await desk.clerk.close()


async def test_a_result_that_nobody_knows_is_told_too(it: Scene, played: list[str]) -> None:
    desk = await signing(it, played)
    it.house.script.exits[TRANSFER] = ("in_doubt", {})
    slip = await desk.quote()
    await desk.asked_to_sign(slip)
    await desk.caller.sip.press(f"{PIN}#")
    await desk.until(lambda: slip.told, "he hears the result")
    assert played[-1] == "zh tr.in_doubt"
    assert (slip.result.kind if slip.result else "") == "in_doubt"


async def test_who_does_not_agree_is_silent_or_goes_has_signed_nothing(
    it: Scene, played: list[str]
) -> None:
    desk = await signing(it, played)
    slip = await desk.quote()
    desk.clerk.confirm("li", desk.call, slip.id)
    await desk.until(lambda: played, "it is read to him")
    await desk.caller.sip.press("*")  # while it is read
    await desk.until(lambda: desk.row.state == "talking", "his teller has him back")
    assert (slip.state, slip.entry, desk.row.pin_result) == ("open", "given_up", "given_up")

    desk.clerk.confirm("li", desk.call, slip.id)
    await desk.until(lambda: desk.row.step == "terms", "it is read to him")
    assert it.room.resume("li") is None  # by his teller, who wants him back
    assert desk.clerk.slip("li", desk.call, slip.id).entry == "cancelled"

    desk.clerk.confirm("li", desk.call, slip.id)
    await desk.until(lambda: desk.row.step == "terms", "it is read to him")
    desk.caller.hangs_up()
    await it.house.idle()
    assert desk.asked() == []
    assert slip.state != "done"


async def test_a_transfer_above_the_tier_is_signed_by_pin_and_code(
    it: Scene, played: list[str]
) -> None:
    desk = await signing(it, played)
    it.house.script.exits |= {
        "transfer.quote": ("prove", TERMS),
        "factor.kind": ("ok", {"factor": "sms"}),
        "customer.mobile": ("ok", {"mobile": "13800138000"}),
        "code.send": ("ok", {"tail": "8000", "minutes": 3}),
        "code.verify": ("ok", {}),
    }
    slip = await desk.quote()
    await desk.asked_to_sign(slip)
    await desk.caller.sip.press(f"{PIN}#")
    await desk.until(lambda: desk.row.step == "code", "he is asked for the code")
    await desk.until(lambda: "zh sf.code" in played, "he is asked for it in words")
    await desk.caller.sip.press("135790")
    await desk.until(lambda: slip.told, "he hears the result")
    said = ["desk.terms", "tr.confirm", "desk.sign", "sf.sent", "sf.code", "tr.done"]
    assert [text.removeprefix("zh ") for text in played] == said
    asked = it.house.script.asked
    assert desk.asked()[-2:] == ["code.verify", TRANSFER]
    assert asked[-1].auth.value == "second_factor"
    assert asked[-1].inputs == {"quote": TERMS["quote"]}
    assert "135790" not in repr([it.seen, it.house.log.events])
    assert Money.parse("100.00") == slip.shown["amount"]


@dataclass
class Line:
    """To somebody whom we call."""

    channel: MediaChannel
    called: bool = True

    def hang_up(self) -> None:
        self.called = False


async def test_what_was_done_in_an_earlier_call_is_said_to_nobody_in_a_later_one(
    it: Scene,
) -> None:
    """Whom we call twice: the second time somebody else may have answered."""
    shell = it.room._shell
    channel = await shell.media.open("127.0.0.1", lambda _event: None)
    assert isinstance(channel, MediaChannel)
    card = CallerCard("138****8000", "zh", "", 0, "", "", "", (), "")
    first, second = shell.placed(), shell.placed()
    customer, line = Customer(shell, first, card, "01-9-9"), Line(channel)
    customer.begin(first, line)  # type: ignore[arg-type]  # no trunk is here to call by
    served = customer.served("li")
    assert served.say((Spoken("sys.done"),), None)
    customer.begin(second, line)  # type: ignore[arg-type]
    assert not served.say((Spoken("sys.done"),), None)
    assert customer.served("li").say((Spoken("sys.done"),), None)
    served.told(Told("v1", "ok"))
    async with asyncio.timeout(40):
        while (f"{first.ref}-v1", "ok") not in it.house.script.heard:
            await asyncio.sleep(0.02)

    customer._entry = cast(Any, SimpleNamespace(cancel=lambda: None))  # an entry that is broken
    customer.heard(wire.Key(digit="1", at=0.0, token=0, secret=True))
    assert not line.called
    channel.close()
