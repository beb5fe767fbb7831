"""Key exchange over TCP: offered by the host, offered by a gateway, unanswered, refused, played
again; and no message in doubt meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core_adapters.corehost.control import ControlError
from core_adapters.hsm.kinds import Algorithm, KeySpec, KeyState, Usage
from core_adapters.iso8583.format.message import Message
from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess

UNDER = "tb87.kbpk"
USAGES = {"mak": Usage.MAC, "zpk": Usage.PIN}
ALGORITHMS = {"mak": Algorithm.AES128, "zpk": Algorithm.TDES2}


@pytest.fixture
async def line(own_host: CoreHostProcess) -> AsyncIterator[Line]:
    opened = await Line.open(own_host.port, Terminal(own_host.keys))
    await opened.sign_on()
    yield opened
    opened.close()


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[CoreHostProcess]:
    """A host whose keys have no overlap."""
    with CoreHostProcess.start(tmp_path, "--key-overlap", "0") as host:
        yield host


def take(line: Line, offered: Message, word: str) -> None:
    """The gateway takes the key that the host offers."""
    subs = line.terminal.codec.subfields(offered, 48)
    assert subs["key_name"] == word.upper()
    name, usage = f"tb87.{word}", USAGES[word]
    line.terminal.module.import_key(
        name, usage, subs["key_block"], UNDER, rotate=True, kcv=subs["key_check"]
    )


def yes(line: Line, offered: Message) -> Message:
    """00 with the check value of the key that came."""
    check = line.terminal.codec.subfields(offered, 48)["key_check"]
    return line.terminal.answer(offered, f48=line.terminal.codec.join(48, {"key_check": check}))


async def change(host: CoreHostProcess, line: Line, word: str) -> dict[str, object]:
    """The host's offer, taken and answered with 00 under the key that is current then."""
    asked = asyncio.create_task(asyncio.to_thread(host.tell, "key-change", key=word))
    offered = await line.reply()
    assert (offered.mti, offered.fields[70]) == ("0800", "101")
    take(line, offered, word)
    await line.send(yes(line, offered))
    return await asked


async def works(line: Line, host: CoreHostProcess, number: int = 0) -> bool:
    """MAC and PIN block are believed, and the reply's MAC is right."""
    card = host.cards[number]
    return await line.code(line.terminal.verify(card.card, card.pin)) == "00"


@pytest.mark.parametrize("word", ["mak", "zpk"])
async def test_a_key_of_the_hosts_is_used_from_its_answer_on(
    own_host: CoreHostProcess, line: Line, word: str
) -> None:
    old = Terminal(own_host.keys, "TB010002")
    before = old.module.check_value(f"tb87.{word}")
    said = await change(own_host, line, word)
    now = line.terminal.module.check_value(f"tb87.{word}")
    assert said["check_value"] == now != before
    assert await works(line, own_host)
    # Another line still makes under the key before; it reads what comes under the new one.
    late = await Line.open(own_host.port, old)
    card = own_host.cards[1]
    await late.send(old.verify(card.card, card.pin))
    take_over = Terminal(own_host.keys, "TB010002")
    late.terminal = take_over
    assert (await late.reply()).fields[39] == "00"
    own_host.stop()
    own_host.run()
    again = await Line.open(own_host.port, Terminal(own_host.keys))
    assert await works(again, own_host, 2)
    assert now == again.terminal.module.check_value(f"tb87.{word}")


@pytest.mark.parametrize("word", ["mak", "zpk"])
async def test_without_overlap_the_key_before_is_destroyed(
    hasty: CoreHostProcess, word: str
) -> None:
    old = Terminal(hasty.keys, "TB010002")
    line = await Line.open(hasty.port, Terminal(hasty.keys))
    await line.sign_on()
    await change(hasty, line, word)
    assert await works(line, hasty)
    late = await Line.open(hasty.port, old)
    card = hasty.cards[1]
    await late.send(old.verify(card.card, card.pin))
    if word == "zpk":
        assert (await late.reply()).fields[39] == "55"
        return
    # Its MAC is wrong, so nothing answers it; the other line goes on, and nobody says which of the
    # two the host reads first.
    assert await works(line, hasty)
    async with asyncio.timeout(40):
        while "bad_mac" not in hasty.log.read_text():
            await asyncio.sleep(0.02)


async def test_a_refused_key_changes_nothing(own_host: CoreHostProcess, line: Line) -> None:
    asked = asyncio.create_task(asyncio.to_thread(own_host.tell, "key-change", key="mak"))
    offered = await line.reply()
    await line.send(line.terminal.answer(offered, "63"))
    with pytest.raises(ControlError, match="answered 63"):
        await asked
    assert await works(line, own_host)
    assert (await change(own_host, line, "mak"))["key"] == "tb87.mak"
    assert await works(line, own_host)


async def test_a_key_whose_answer_was_lost_is_proved_by_the_next_message(
    own_host: CoreHostProcess, line: Line
) -> None:
    asked = asyncio.create_task(asyncio.to_thread(own_host.tell, "key-change", key="mak"))
    other = await Line.open(own_host.port, Terminal(own_host.keys, "TB010002"))
    offered = await line.reply()
    assert await works(other, own_host, 1)  # the key before, while the offer is open
    take(line, offered, "mak")
    assert await works(line, own_host)
    await line.send(line.terminal.answer(offered))
    said = await asked
    assert (said["key"], said["waits"]) == ("tb87.mak", False)


@pytest.mark.parametrize("word", ["mak", "zpk"])
async def test_a_gateway_that_only_says_00_has_not_taken_the_key(
    own_host: CoreHostProcess, line: Line, word: str
) -> None:
    before = line.terminal.module.check_value(f"tb87.{word}")
    asked = asyncio.create_task(asyncio.to_thread(own_host.tell, "key-change", key=word))
    offered = await line.reply()
    await line.send(line.terminal.answer(offered))
    said = await asked
    assert (said["waits"], said["check_value"]) == (True, before)
    assert await works(line, own_host)
    # Offered again it is the same key, and taken now.
    second = asyncio.create_task(asyncio.to_thread(own_host.tell, "key-change", key=word))
    again = await line.reply()
    assert again.fields[48] == offered.fields[48]
    take(line, again, word)
    assert await works(line, own_host, 1)
    await line.send(yes(line, again))
    assert (await second)["waits"] is False


async def test_another_check_value_is_a_refusal(own_host: CoreHostProcess, line: Line) -> None:
    asked = asyncio.create_task(asyncio.to_thread(own_host.tell, "key-change", key="zpk"))
    offered = await line.reply()
    other = line.terminal.codec.join(48, {"key_check": "ABCDEF"})
    await line.send(line.terminal.answer(offered, f48=other))
    with pytest.raises(ControlError, match="another check value"):
        await asked
    assert await works(line, own_host)


async def test_nobody_signed_on_means_nothing_changes(own_host: CoreHostProcess) -> None:
    with pytest.raises(ControlError, match="signed on"):
        own_host.tell("key-change", key="mak")
    with pytest.raises(ControlError, match="mak and zpk"):
        own_host.tell("key-change", key="kbpk")


def made(line: Line, word: str) -> tuple[str, str]:
    """A key of the gateway's own: its block and check value; the key itself lies beside."""
    name, module = f"tb87.{word}.next", line.terminal.module
    spec = KeySpec(name, USAGES[word], ALGORITHMS[word], exportable=True)
    known = any(info.spec.name == name for info in module.list_keys())
    info = module.generate(spec, rotate=known)
    return module.export_key(name, UNDER), info.kcv


def offer(line: Line, word: str, block: str, check: str) -> Message:
    subs = {"key_name": word.upper(), "key_block": block, "key_check": check}
    request = line.terminal.network("101")
    return request.with_fields("0800", {48: line.terminal.codec.join(48, subs)})


@pytest.mark.parametrize("word", ["mak", "zpk"])
async def test_a_key_of_the_gateways_is_taken_and_answered_under_the_key_before(
    own_host: CoreHostProcess, line: Line, word: str
) -> None:
    block, check = made(line, word)
    reply = await line.ask(offer(line, word, block, check))
    assert reply.fields[39] == "00"
    assert line.terminal.codec.subfields(reply, 48)["key_check"] == check
    assert (await line.ask(offer(line, word, block, check))).fields[39] == "00"
    name = f"tb87.{word}"
    line.terminal.module.import_key(name, USAGES[word], block, UNDER, rotate=True, kcv=check)
    assert await works(line, own_host)
    # Asked once more, now that it is in use, and then an older one again.
    assert (await line.ask(offer(line, word, block, check))).fields[39] == "00"
    second, second_check = made(line, word)
    assert (await line.ask(offer(line, word, second, second_check))).fields[39] == "00"
    line.terminal.module.import_key(name, USAGES[word], second, UNDER, rotate=True)
    assert await works(line, own_host, 1)
    assert await line.code(offer(line, word, block, check)) == "63"
    assert await works(line, own_host, 2)


async def test_a_change_of_the_gateways_goes_before_one_of_the_hosts(
    own_host: CoreHostProcess, line: Line
) -> None:
    block, check = made(line, "mak")
    assert await line.code(offer(line, "mak", block, check)) == "00"
    with pytest.raises(ControlError, match="the gateway is changing"):
        await asyncio.to_thread(own_host.tell, "key-change", key="mak")
    name = "tb87.mak"
    line.terminal.module.import_key(name, Usage.MAC, block, UNDER, rotate=True, kcv=check)
    assert await works(line, own_host)
    assert (await change(own_host, line, "mak"))["check_value"] != check


async def test_what_is_wrong_with_an_offer_is_refused(
    own_host: CoreHostProcess, line: Line
) -> None:
    block, check = made(line, "mak")
    spoiled = block[:-1] + ("0" if block[-1] != "0" else "1")
    for word, sent, told, code in (
        ("mak", spoiled, check, "63"),
        ("mak", block, "000000", "63"),
        ("zpk", block, check, "63"),
        ("mak", "junk", check, "63"),
        ("kbpk", block, check, "12"),
    ):
        assert await line.code(offer(line, word, sent, told)) == code
    junk = line.terminal.network("101").with_fields("0800", {48: "14999"})
    assert await line.code(junk) == "30"
    assert await works(line, own_host)


async def test_a_gateway_may_ask_the_host_for_a_key(own_host: CoreHostProcess, line: Line) -> None:
    request = line.terminal.network("101")
    join = line.terminal.codec.join
    reply = await line.ask(request.with_fields("0800", {48: join(48, {"key_name": "MAK"})}))
    assert reply.fields[39] == "00"
    other = await Line.open(own_host.port, Terminal(own_host.keys, "TB010002"))
    take(line, reply, "mak")
    assert await works(line, own_host)
    del other


async def test_the_log_has_name_version_and_check_value_and_no_block(
    own_host: CoreHostProcess, line: Line
) -> None:
    block, check = made(line, "mak")
    assert await line.code(offer(line, "mak", block, check)) == "00"
    line.terminal.module.import_key("tb87.mak", Usage.MAC, block, UNDER, rotate=True)
    assert await works(line, own_host)
    await change(own_host, line, "zpk")
    log = own_host.log.read_text()
    assert log.count("key_changed") == 2
    assert check in log
    assert block not in log
    infos = [i for i in line.terminal.module.list_keys() if i.spec.name == "tb87.zpk"]
    assert [info.state for info in infos] == [KeyState.CURRENT, KeyState.PREVIOUS]
