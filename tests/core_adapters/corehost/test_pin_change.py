"""0600/92: the old PIN counts and locks as ever, weak ones are refused, nothing is kept."""

from collections.abc import AsyncIterator

import pytest

from core_adapters.corehost.pins import is_weak
from core_adapters.corehost.seed import SeedCard
from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess, special_card

NEW = "907213645820"


@pytest.fixture
async def line(own_host: CoreHostProcess) -> AsyncIterator[Line]:
    opened = await Line.open(own_host.port, Terminal(own_host.keys))
    yield opened
    opened.close()


@pytest.fixture
def card(own_host: CoreHostProcess) -> SeedCard:
    return own_host.cards[0]


async def test_the_new_pin_is_right_and_the_old_one_wrong(line: Line, card: SeedCard) -> None:
    change = line.terminal.change
    verify = line.terminal.verify
    reply = await line.ask(change(card.card, card.pin, NEW))
    assert (reply.mti, reply.fields[39], 48 in reply.fields, 52 in reply.fields) == (
        "0610",
        "00",
        False,
        False,
    )
    assert await line.code(verify(card.card, NEW)) == "00"
    assert await line.code(verify(card.card, card.pin)) == "55"
    assert await line.code(change(card.card, NEW, card.pin)) == "00"
    assert await line.code(verify(card.card, card.pin)) == "00"


async def test_a_repeat_hears_the_same_and_changes_nothing(line: Line, card: SeedCard) -> None:
    change = line.terminal.change(card.card, card.pin, NEW)
    first = await line.ask(change)
    assert (await line.ask(change.with_fields("0601", {}))).fields == first.fields
    assert await line.code(change) == "94"
    assert await line.code(line.terminal.verify(card.card, NEW)) == "00"


async def test_three_wrong_old_pins_lock_the_card_for_the_day(line: Line, card: SeedCard) -> None:
    for expected in ("55", "55", "55", "75"):
        assert await line.code(line.terminal.change(card.card, NEW, "135790864213")) == expected
    assert await line.code(line.terminal.change(card.card, card.pin, NEW)) == "75"
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "75"


@pytest.mark.parametrize("weak", ["777777777777", "123456789012", "098765432109", "4321", "0123"])
async def test_a_weak_pin_is_refused_and_the_old_one_stays(
    line: Line, card: SeedCard, weak: str
) -> None:
    assert await line.code(line.terminal.change(card.card, card.pin, weak)) == "57"
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "00"


@pytest.mark.parametrize(
    ("pin", "weak"),
    [("000000", True), ("890123", True), ("210987", True), ("112233", False), ("121212", False)],
)
def test_what_is_weak(pin: str, weak: bool) -> None:
    assert is_weak(pin) is weak


async def test_a_new_block_that_does_not_open_changes_nothing(line: Line, card: SeedCard) -> None:
    join, asked = line.terminal.codec.join, line.terminal.change(card.card, card.pin, NEW)
    for block in ("00" * 8, "zz", ""):
        changed = asked.with_fields("0600", {11: f"9{len(block):05d}"})
        fields = {**changed.fields, 48: join(48, {"new_pin_block": block, "reason": "x"})}
        assert await line.code(changed.with_fields("0600", fields)) == "30"
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "00"


@pytest.mark.parametrize(("state", "code"), [("hot", "41"), ("locked", "38")])
async def test_a_card_that_may_not(line: Line, state: str, code: str) -> None:
    card = special_card(state)
    assert await line.code(line.terminal.change(card.card, card.pin, NEW)) == code


async def test_no_pin_and_no_block_is_in_any_file(
    own_host: CoreHostProcess, line: Line, card: SeedCard
) -> None:
    change = line.terminal.change(card.card, card.pin, NEW)
    bad = line.terminal.change(card.card, NEW, card.pin).with_fields("0600", {48: "10016short"})
    assert await line.code(change) == "00"
    assert await line.code(bad) == "30"
    own_host.stop()
    new_block = line.terminal.codec.subfields(change, 48)["new_pin_block"]
    texts = [card.pin, NEW, change.fields[52], new_block]
    wanted = [text.encode() for text in texts]
    wanted += [bytes.fromhex(text) for text in texts[2:]]
    files = [path for path in own_host.data.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        data = path.read_bytes()
        assert not [text for text in wanted if text in data], path
