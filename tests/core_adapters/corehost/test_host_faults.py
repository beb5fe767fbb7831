"""Each action of a fault plan, seen from a real socket of a host that keeps running."""

from collections.abc import AsyncIterator

import pytest

from core_adapters.corehost.server import EXIT_BY_FAULT
from core_adapters.iso8583.format.framing import Framer
from core_adapters.iso8583.format.message import Message
from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess

TRANSFERS = {"mti": "0200", "processing": "42"}
FEN = 100


@pytest.fixture
async def line(own_host: CoreHostProcess) -> AsyncIterator[Line]:
    opened = await Line.open(own_host.port, Terminal(own_host.keys))
    yield opened
    opened.close()


async def order_on(host: CoreHostProcess, line: Line) -> Message:
    """A transfer that only waits to be sent."""
    asked = line.terminal.quote(host.cards[0].card, host.cards[1].card, FEN)
    return line.terminal.transfer(asked, await line.ask(asked))


def moved(host: CoreHostProcess) -> int:
    return host.balances()[host.cards[1].card] - host.cards[1].balance


async def alive(line: Line) -> bool:
    """The next reply on the line is the echo's, so nothing else came before it."""
    echo = line.terminal.network("301")
    return (await line.ask(echo)).fields[11] == echo.fields[11]


@pytest.mark.parametrize(
    ("action", "applied"), [("drop_before", 0), ("drop_after", FEN)], ids=["before", "after"]
)
async def test_a_dropped_reply(
    own_host: CoreHostProcess, line: Line, action: str, applied: int
) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": action, "times": 1}])
    await line.send(order)
    assert await alive(line)
    assert moved(own_host) == applied
    assert await line.code(line.terminal.reversal(order)) == ("00" if applied else "25")
    assert moved(own_host) == 0


@pytest.mark.parametrize(
    ("action", "applied"), [("cut_before", 0), ("cut_after", FEN)], ids=["before", "after"]
)
async def test_a_cut_connection(
    own_host: CoreHostProcess, line: Line, action: str, applied: int
) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": action}])
    await line.send(order)
    assert await line.body() is None
    assert moved(own_host) == applied


@pytest.mark.parametrize("size", [0, 1, 2, 40])
async def test_a_reply_cut_short(own_host: CoreHostProcess, line: Line, size: int) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": f"cut_reply_at {size}"}])
    await line.send(order)
    received = await line.reader.read()
    assert len(received) == size
    assert received[2:6] == b"0210"[: max(0, size - 2)]
    assert moved(own_host) == FEN


async def test_a_delayed_reply_is_overtaken(own_host: CoreHostProcess, line: Line) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": "delay 1"}])
    await line.send(order)
    assert await alive(line)
    assert moved(own_host) == FEN
    assert (await line.reply()).fields[11] == order.fields[11]


async def test_an_order_applied_late_meets_its_tombstone(
    own_host: CoreHostProcess, line: Line
) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": "delay_before 1"}])
    await line.send(order)
    assert await line.code(line.terminal.reversal(order)) == "25"
    assert (await line.reply()).fields[39] == "05"
    assert moved(own_host) == 0


async def test_a_reply_that_comes_twice(own_host: CoreHostProcess, line: Line) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": "duplicate"}])
    first, second = await line.ask(order), await line.reply()
    assert first.fields == second.fields
    assert moved(own_host) == FEN


async def test_a_garbled_reply_and_one_with_a_wrong_mac(
    own_host: CoreHostProcess, line: Line
) -> None:
    codec = line.terminal.codec
    own_host.plan([{"action": "garble", "times": 1}, {"action": "bad_mac", "times": 1}])
    await line.send(line.terminal.network("301"))
    garbled = await line.body()
    assert garbled is not None
    assert bytes(byte ^ 0xFF for byte in garbled)[:4] == b"0810"
    await line.send(line.terminal.network("301"))
    body = await line.body()
    assert body is not None
    assert not codec.mac_ok(body, codec.decode(body), [line.terminal.mac])
    assert await alive(line)


async def test_a_reply_with_a_wrong_field(own_host: CoreHostProcess, line: Line) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": "wrong_field 11 999999", "times": 1}])
    assert (await line.ask(order)).fields[11] == "999999"
    own_host.plan([{"action": "wrong_field 15"}])
    assert 15 not in (await line.ask(line.terminal.network("301"))).fields


async def test_a_code_is_answered_without_applying(own_host: CoreHostProcess, line: Line) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": {**TRANSFERS, "amount": FEN}, "action": "code 96", "times": 1}])
    assert await line.code(order) == "96"
    assert moved(own_host) == 0
    assert await line.code(order) == "00"


@pytest.mark.parametrize(
    ("action", "applied"), [("die_before", 0), ("die_after", FEN)], ids=["before", "after"]
)
async def test_a_host_that_dies(
    own_host: CoreHostProcess, line: Line, action: str, applied: int
) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": action}])
    await line.send(order)
    assert await line.body() is None
    assert own_host.wait() == EXIT_BY_FAULT
    own_host.plan([])
    own_host.run()
    assert moved(own_host) == applied
    again = await Line.open(own_host.port, line.terminal)
    assert await again.code(again.terminal.reversal(order)) == ("00" if applied else "25")
    assert own_host.findings() == []


async def test_one_line_in_trouble_does_not_disturb_another(
    own_host: CoreHostProcess, line: Line
) -> None:
    other = await Line.open(own_host.port, Terminal(line.terminal.keys, "TB010002"))
    own_host.plan([{"match": {"terminal": "TB010001"}, "action": "cut_before"}])
    await line.send(line.terminal.network("301"))
    assert await alive(other)
    assert await line.body() is None


async def test_an_oversized_frame(own_host: CoreHostProcess, line: Line) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": "oversized", "times": 1}])
    await line.send(order)
    most = line.terminal.codec.profile.frame.max_bytes
    header = await line.reader.readexactly(2)
    assert int.from_bytes(header, "big") == most + 1
    assert (await line.reader.readexactly(most + 1)).startswith(b"0210")
    assert await alive(line)
    assert moved(own_host) == FEN


@pytest.mark.parametrize("said", [0, 1, 9999])
async def test_a_length_header_that_is_wrong(
    own_host: CoreHostProcess, line: Line, said: int
) -> None:
    own_host.plan([{"match": {"network": "echo"}, "action": f"bad_length {said}"}])
    await line.send(line.terminal.network("301"))
    assert int.from_bytes(await line.reader.readexactly(2), "big") == said
    assert await line.reader.readexactly(4) == b"0810"


async def test_a_reply_that_comes_byte_by_byte_holds_what_is_behind_it(
    own_host: CoreHostProcess, line: Line
) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": "slow_loris 0.005", "times": 1}])
    await line.send(order)
    await line.send(line.terminal.network("301"))
    pieces = [await line.reader.read(1) for _ in range(2)]
    assert int.from_bytes(b"".join(pieces), "big") > 100
    framer = Framer(line.terminal.codec.profile.frame)
    bodies = [frame.body for piece in pieces for frame in framer.feed(piece)]
    while len(bodies) < 2:
        bodies += [frame.body for frame in framer.feed(await line.reader.read(65536))]
    assert [body[:4] for body in bodies] == [b"0210", b"0810"]


async def test_a_slow_reply_ends_with_its_line(own_host: CoreHostProcess, line: Line) -> None:
    own_host.plan([{"match": {"terminal": "TB010001"}, "action": "slow_loris 60"}])
    await line.send(line.terminal.network("301"))
    assert len(await line.reader.read(1)) == 1
    line.close()
    other = await Line.open(own_host.port, Terminal(line.terminal.keys, "TB010002"))
    assert await alive(other)


async def test_the_reversal_comes_before_its_original(
    own_host: CoreHostProcess, line: Line
) -> None:
    order = await order_on(own_host, line)
    own_host.plan([{"match": TRANSFERS, "action": "hold_for_reversal", "times": 1}])
    await line.send(order)
    assert await alive(line)
    assert await line.code(line.terminal.reversal(order)) == "25"
    barred = await line.reply()
    assert (barred.mti, barred.fields[39]) == ("0210", "05")
    assert moved(own_host) == 0
    assert await line.code(line.terminal.reversal(order, "0421")) == "25"


@pytest.mark.parametrize("network", ["echo", "sign_on", "sign_off", "key_change"])
async def test_network_messages_are_targets(
    own_host: CoreHostProcess, line: Line, network: str
) -> None:
    code = {"echo": "301", "sign_on": "001", "sign_off": "002", "key_change": "101"}[network]
    own_host.plan([{"match": {"network": network}, "action": "drop_before"}])
    await line.send(line.terminal.network(code))
    assert await line.code(line.terminal.balance(own_host.cards[0].card)) == "00"
    own_host.plan([{"match": {"network": network}, "action": "code 91"}])
    assert await line.code(line.terminal.network(code)) == "91"


async def test_only_a_sign_on_is_refused(own_host: CoreHostProcess, line: Line) -> None:
    own_host.plan([{"action": "refuse_sign_on"}])
    assert await line.code(line.terminal.network("001")) == "91"
    assert await alive(line)
    assert await line.code(line.terminal.balance(own_host.cards[0].card)) == "00"
