"""Until when a report of loss holds, and who may decide on one."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from support.ledger_world import CARDS, OPTIONS, World
from support.transactions_time import run
from transactions.approval import Actor
from transactions.contract import ContractError, load_contracts
from transactions.hot_list import HotDecision, LossOptions
from transactions.outcome import Declined, Value
from transactions.request import Request

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "services.yaml"
TAKEN = date(2026, 3, 1)
DECISION = HotDecision("010000000001", "confirmed", Actor("li", "teller", "control"), "signed")


def told(story: Callable[[World], Awaitable[None]], days: int = 5) -> None:
    """Start a world whose reports hold so many days, run the story, end and check it."""

    async def whole() -> None:
        world = World(options=replace(OPTIONS, loss=LossOptions(days)))
        await world.start()
        await story(world)
        await world.end()

    run(whole())


def kept(world: World, request_id: str) -> Value | None:
    """The day that the journal keeps for the host."""
    return world.books.rows[request_id].request.inputs.get("until")


@pytest.mark.parametrize("links", [0, 1])
def test_the_day_is_told_to_the_caller_and_kept_for_the_host(links: int) -> None:
    async def story(world: World) -> None:
        world.host.links_up = links
        answer = await world.report_loss("l1", 0)
        taken = world.processor._clock.now().astimezone(OPTIONS.zone).date()
        until = answer.data["until"]
        assert isinstance(until, date)
        assert (until - taken).days == 5
        assert kept(world, "l1") == until
        assert world.books.rows["l1"].plan.hot_until == until

    told(story)


@pytest.mark.parametrize(
    ("channel", "expires"), [("phone", True), ("teller", True), ("staff", False)]
)
def test_what_nobody_signed_expires(channel: str, expires: bool) -> None:
    last_day = LossOptions(5).last_day(channel, TAKEN)
    assert last_day == (date(2026, 3, 6) if expires else None)
    assert LossOptions(0).last_day(channel, TAKEN) is None


def test_the_same_report_again_is_the_same_though_its_day_would_be_another() -> None:
    async def story(world: World) -> None:
        first = await world.report_loss("l1", 0)
        await world.settle(48)
        assert (await world.report_loss("l1", 0)).request_id == first.request_id
        assert (await world.report_loss("l1", 0)).exit == "ok"

    told(story)


@pytest.mark.parametrize(("days", "channel"), [(0, "phone"), (5, "staff")])
def test_reports_that_never_expire(days: int, channel: str) -> None:
    async def story(world: World) -> None:
        request = world.request("l1", "card.report_loss", {"card": CARDS[0], "identity": "1234"})
        answer = await world.submit(replace(request, channel=channel))
        assert answer.exit == "ok"
        assert "until" not in answer.data
        assert kept(world, "l1") is None
        assert world.books.rows["l1"].plan.hot_until is None

    told(story, days)


@pytest.mark.parametrize(
    ("service", "channel", "deciding", "why"),
    [
        ("card.confirm_loss", "phone", DECISION, "served on staff only"),
        ("card.confirm_loss", "staff", None, "do not belong together"),
        ("card.lift_loss", "staff", DECISION, "do not belong together"),
        ("card.report_loss", "staff", DECISION, "do not belong together"),
    ],
)
def test_a_decision_comes_from_staff_and_is_what_the_service_does(
    service: str, channel: str, deciding: HotDecision | None, why: str
) -> None:
    async def story(world: World) -> None:
        inputs: dict[str, Value] = {"card": CARDS[0], "report": "010000000001"}
        request = Request("c1", service, 1, inputs, "li", channel=channel, deciding=deciding)
        answer = await world.submit(request)
        assert isinstance(answer.outcome, Declined)
        assert why in str(answer.outcome.data["why"])
        assert "c1" not in world.books.rows

    told(story)


def test_a_host_that_does_not_know_of_decisions_is_asked_nothing() -> None:
    async def story(world: World) -> None:
        inputs: dict[str, Value] = {"card": CARDS[0], "report": "010000000001"}
        request = Request("c1", "card.confirm_loss", 1, inputs, "li", channel="staff")
        answer = await world.submit(replace(request, deciding=DECISION))
        assert answer.outcome == Declined("unsupported")
        assert "c1" not in world.books.rows

    told(story)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("    channels: [staff]\n    decides: confirmed", "    decides: confirmed", "channels"),
        (
            "channels: [staff]\n    decides: lifted",
            "channels: [staff, phone]\n    decides: lifted",
            "never phone",
        ),
        ("decides: lifted", "decides: forgotten", "not one of"),
    ],
)
def test_what_decides_is_never_for_callers(tmp_path: Path, old: str, new: str, why: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file = tmp_path / "services.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ContractError, match=why):
        load_contracts(file)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (
            "channels: [staff]\n    decides: lifted",
            "channels: staff\n    decides: lifted",
            "channels",
        ),
        ("must_read_back: [payee_masked, amount, fee]", "must_read_back: fee", "must_read_back"),
        ("guard: [from, to, amount]", "guard: amount", "guard"),
        ("limits: [bill_daily]", "limits: bill_daily", "limits"),
        ("limits: [bill_daily]", "limits: [1]", "limits"),
        ("out_on: [posted, not_posted, open]", "out_on: open", "out_on"),
        ("outcomes: [ok, stored, not_matched, refused]", "outcomes: ok", "outcomes"),
    ],
)
def test_a_word_without_brackets_is_no_list(tmp_path: Path, old: str, new: str, key: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file = tmp_path / "services.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ContractError, match=rf": {key}: must be a list of words"):
        load_contracts(file)


@pytest.mark.parametrize("days", [-1, 3_661])
def test_days_that_cannot_be(days: int) -> None:
    with pytest.raises(ValueError, match="telephone_valid_days"):
        LossOptions(days)
