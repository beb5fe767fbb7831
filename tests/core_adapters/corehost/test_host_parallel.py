"""Many lines at once, restarts, and the books afterwards."""

import asyncio
import random
from collections import Counter

from support.corehost_client import Line, Terminal
from support.corehost_process import CoreHostProcess

SEED = 20261122


def terminal(host: CoreHostProcess, name: str) -> Terminal:
    return Terminal(host.keys, name)


async def test_twenty_lines_between_the_same_accounts_conserve_money(
    own_host: CoreHostProcess,
) -> None:
    cards = [one.card for one in own_host.cards[:4]]
    before = own_host.balances()
    expected = Counter(before)

    async def caller(number: int) -> None:
        rng = random.Random(SEED + number)
        line = await Line.open(own_host.port, terminal(own_host, f"TB03{number:04d}"))
        for _ in range(15):
            payer, payee = rng.sample(cards, 2)
            fen = rng.randint(1, 1000)
            order, reply = await line.move(payer, payee, fen)
            assert reply.fields[39] == "00"
            if rng.random() < 0.3:
                assert await line.code(line.terminal.reversal(order)) == "00"
                continue
            expected[payer] -= fen
            expected[payee] += fen
        line.close()

    await asyncio.gather(*(caller(number) for number in range(20)))
    assert own_host.balances() == dict(expected)
    assert own_host.findings() == []


async def test_one_quote_is_posted_once_however_many_lines_try(own_host: CoreHostProcess) -> None:
    payer, payee = (one.card for one in own_host.cards[:2])
    first = await Line.open(own_host.port, terminal(own_host, "TB040000"))
    asked = first.terminal.quote(payer, payee, 100)
    terms = await first.ask(asked)

    async def attempt(number: int) -> str:
        line = await Line.open(own_host.port, terminal(own_host, f"TB04{number:04d}"))
        return await line.code(line.terminal.transfer(asked, terms))

    codes = Counter(await asyncio.gather(*(attempt(number) for number in range(1, 21))))
    assert codes == {"00": 1, "05": 19}
    assert own_host.balances()[payee] == own_host.cards[1].balance + 100


async def test_one_message_sent_on_twenty_lines_is_applied_once(own_host: CoreHostProcess) -> None:
    payer, payee = (one.card for one in own_host.cards[:2])
    lines = [await Line.open(own_host.port, terminal(own_host, "TB050000")) for _ in range(20)]
    asked = lines[0].terminal.quote(payer, payee, 100)
    order = lines[0].terminal.transfer(asked, await lines[0].ask(asked))
    codes = Counter(await asyncio.gather(*(line.code(order) for line in lines)))
    assert codes == {"00": 1, "94": 19}
    assert own_host.balances()[payee] == own_host.cards[1].balance + 100


async def test_thirty_parallel_guesses_get_three_tries_together(own_host: CoreHostProcess) -> None:
    card = own_host.cards[0]

    async def guess(number: int) -> str:
        line = await Line.open(own_host.port, terminal(own_host, f"TB06{number:04d}"))
        return await line.code(line.terminal.verify(card.card, f"{number:012d}"))

    codes = Counter(await asyncio.gather(*(guess(number) for number in range(30))))
    assert codes == {"55": 3, "75": 27}
    line = await Line.open(own_host.port, terminal(own_host, "TB069999"))
    assert await line.code(line.terminal.verify(card.card, card.pin)) == "75"


async def test_a_restart_keeps_everything(own_host: CoreHostProcess) -> None:
    one, two, lost, locked = own_host.cards[:4]
    line = await Line.open(own_host.port, terminal(own_host, "TB070000"))
    order, reply = await line.move(one.card, two.card, 600_000)
    undone, _ = await line.move(one.card, two.card, 100)
    late = line.terminal.balance(two.card)
    asked = line.terminal.quote(one.card, two.card, 300)
    terms = await line.ask(asked)
    assert await line.code(line.terminal.reversal(undone)) == "00"
    assert await line.code(line.terminal.reversal(late).with_fields("0420", {4: "0" * 12})) == "25"
    assert await line.code(line.terminal.loss(lost)) == "00"
    for _ in range(3):
        assert await line.code(line.terminal.verify(locked.card, one.pin)) == "55"
    before = own_host.balances()
    assert own_host.kill() == -9
    own_host.run()
    again = await Line.open(own_host.port, line.terminal)
    assert own_host.balances() == before
    assert await again.code(order) == "94"
    assert (await again.ask(order.with_fields("0201", {}))).fields == reply.fields
    assert await again.code(line.terminal.reversal(undone, "0421")) == "00"
    assert await again.code(late) == "05"
    assert await again.code(line.terminal.balance(lost.card)) == "41"
    assert await again.code(line.terminal.verify(locked.card, locked.pin)) == "75"
    assert await again.code(line.terminal.transfer(asked, terms)) == "00"
    assert own_host.findings() == []
    assert own_host.stop() == 0


async def test_no_pin_is_in_any_file_of_the_host(own_host: CoreHostProcess) -> None:
    line = await Line.open(own_host.port, terminal(own_host, "TB080000"))
    blocks = []
    for one in own_host.cards[:10]:
        message = line.terminal.verify(one.card, one.pin)
        blocks.append(message.fields[52])
        assert await line.code(message) == "00"
    files = [path for path in own_host.data.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert own_host.cards[0].card.encode() in content
    for secret in [one.pin for one in own_host.cards] + blocks:
        assert secret.encode() not in content
        assert len(secret) % 2 or bytes.fromhex(secret) not in content
    assert own_host.cards[0].card not in own_host.log.read_text()
