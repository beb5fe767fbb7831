"""The paper of a fax in the call is made before its caller is told to press start: a real node."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from support.bank_process import Voice
from support.fax_scene import FAX, Scene, fax_process, open_scene
from telebank.calls.edition import Edition
from telebank.calls.faxes.demand import Demand
from telebank.calls.leg import Leg
from telebank.calls.services import CallServices
from telebank.faxing.client import FaxLine, FaxProcess, OnEvent, OpenFailed
from telebank.flow.commands import PrepareFax, Say, SendFax
from telebank.flow.events import FaxAnswered, FaxPrepared


class Texts(list[str]):
    """The texts that callers were told, in order."""

    def after(self, text: str) -> list[str]:
        """Those behind the last time of one."""
        return self[len(self) - self[::-1].index(text) :]


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> Texts:
    """What the node's calls say from now on."""
    texts, segments = Texts(), Edition.segments

    def noted(edition: Edition, say: Say) -> tuple[tuple[int, int], ...]:
        texts.extend(spoken.prompt_id for spoken in say.prompts)
        return segments(edition, say)

    monkeypatch.setattr(Edition, "segments", noted)
    return texts


@pytest.fixture
async def process() -> AsyncIterator[FaxProcess]:
    async with fax_process() as process:
        yield process


@pytest.fixture
async def scene(tmp_path: Path, voice: Voice, process: FaxProcess) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path, voice, process) as scene:
        yield scene


async def making(scene: Scene) -> None:
    """The caller has asked for his fax, whose paper is not made yet."""
    scene.desk.made.clear()
    await scene.listens()
    await scene.peer.press(FAX)
    await scene.desk.until(lambda: scene.desk.making == 1)


async def test_who_waits_for_his_paper_hears_so_and_only_then_to_press_start(
    scene: Scene, texts: Texts
) -> None:
    await making(scene)
    await scene.desk.until(lambda: texts[-1] == "sys.wait")
    assert "fax.start" not in texts
    assert scene.desk.sending is None
    scene.desk.made.set()
    invite, _ = await scene.peer.offered()
    assert texts.after("fax.offer") == ["sys.wait", "fax.start"]
    assert scene.desk.making == 0
    scene.peer.reply(invite, 488)
    invite, _ = await scene.peer.offered()
    scene.peer.reply(invite, 488)
    await scene.menu_goes_on()
    assert "fax.failed" in texts.after("fax.start")
    assert scene.desk.dropped == 0
    await scene.over()


async def test_who_hangs_up_while_his_paper_is_made_leaves_nothing(
    scene: Scene, texts: Texts
) -> None:
    await making(scene)
    await scene.over()
    await scene.desk.until(lambda: scene.desk.making == 0)
    assert (scene.desk.dropped, scene.desk.sending) == (0, None)
    assert "fax.start" not in texts
    assert "alarm" not in scene.house.log.kinds()


async def test_who_hangs_up_when_he_is_told_to_press_start_has_his_paper_dropped_once(
    scene: Scene, texts: Texts
) -> None:
    await scene.listens()
    await scene.peer.press(FAX)
    await scene.desk.until(lambda: texts[-1] == "fax.start")
    await scene.over()
    await scene.desk.until(lambda: scene.desk.dropped == 1)
    assert scene.desk.sending is None
    assert "alarm" not in scene.house.log.kinds()


@pytest.mark.parametrize(
    ("paper", "said"), [("busy", "fax.busy"), ("none", "fax.nothing"), ("failed", "fax.failed")]
)
async def test_without_a_paper_the_menu_goes_on_and_nobody_presses_start(
    scene: Scene, texts: Texts, paper: str, said: str
) -> None:
    scene.desk.paper = paper
    await scene.listens()
    await scene.peer.press(FAX)
    await scene.menu_goes_on()
    told = texts.after("fax.offer") if texts[-1] != "fax.offer" else texts[:-1]
    assert said in told
    assert "fax.start" not in texts
    await scene.over()


async def test_a_node_without_the_library_offers_no_fax(scene: Scene, texts: Texts) -> None:
    scene.desk.ables = frozenset()
    await scene.listens()
    await scene.desk.until(lambda: texts[-1] == "list.end")
    await scene.peer.press(FAX)
    await scene.house.happens("input.invalid", node="after_last")
    await scene.desk.until(lambda: texts[-2:] == ["sys.invalid", "list.end"])
    assert scene.desk.asked == []
    assert "fax.offer" not in texts
    await scene.over()


async def test_who_hangs_up_while_the_line_is_opened_ends_his_fax_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = scene.desk.process.open

    async def slow(address: str, on_event: OnEvent, learn_from: str) -> FaxLine | OpenFailed:
        scene.breath.cancel()
        scene.peer.send("BYE")
        await scene.house.happens("call.ended")
        return await opened(address, on_event, learn_from)

    monkeypatch.setattr(scene.desk.process, "open", slow)
    await scene.listens()
    await scene.peer.press(FAX)
    outcome = await scene.desk.outcome(seconds=15)
    assert (outcome.result, outcome.reason, outcome.pages) == ("failed", "hung_up", 0)
    await scene.nothing_left()


class Desk:
    """Faxes that are never asked for."""

    async def prepare(self, asked: object) -> str:
        raise AssertionError(asked)


async def test_a_call_that_ended_before_its_task_began_asks_for_nothing() -> None:
    """The command of a fax and the end of its call came in one turn of the loop."""
    shell: Any = type("Shell", (), {"faxes": Desk()})()
    demand = Demand(cast(Leg, None), cast(CallServices, shell))
    edition, ask = cast(Edition, None), cast(Any, asyncio.sleep)
    assert demand.over() is None
    told = await demand.serve("c1", SendFax("v1"), edition, ask)
    assert told == FaxAnswered("v1", "not_available", {})
    shell.vault = None
    prepared = await demand.serve("c1", PrepareFax("v1", "fx_rates"), edition, ask)
    assert prepared == FaxPrepared("v1", "not_available")
