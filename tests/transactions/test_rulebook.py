"""Which contracts a request is served by: its own release's, or those in force."""

import asyncio
from dataclasses import replace

from support.ledger_world import CARDS, CONTRACTS, World
from support.transactions_time import run
from transactions.contract import Contracts
from transactions.outcome import NotSent
from transactions.rulebook import Rulebook

FIRST = CONTRACTS
CHANGED = replace(CONTRACTS["card.balance"], version=2)
SECOND = Contracts({**CONTRACTS.services, "card.balance": CHANGED})


def test_a_release_keeps_its_contracts_until_it_is_forgotten() -> None:
    book = Rulebook(FIRST)
    book.learn("old", FIRST, {"card.balance": 1})
    book.learn("new", SECOND, {"card.balance": 2})
    assert book.of("")["card.balance"].version == 1
    book.use("new")
    assert [book.of(name)["card.balance"].version for name in ("", "old", "new")] == [2, 1, 2]
    assert book.rules("old").served == {"card.balance": 1}
    book.forget("old")
    book.forget("old")
    assert [book.knows(name) for name in ("", "new", "old")] == [True, True, False]
    book.stand_in("old")
    assert (book.knows("old"), book.of("old")["card.balance"].version) == (True, 2)


def test_what_nobody_taught_is_not_known_once_anything_was() -> None:
    book = Rulebook(FIRST)
    assert book.knows("anything")
    book.learn("new", SECOND, {})
    assert not book.knows("anything")


def test_a_request_of_an_unknown_release_is_not_carried_out() -> None:
    async def whole() -> None:
        world = World()
        await world.start()
        processor, served = world.processor, dict.fromkeys(FIRST.services, 1)
        processor.learn("known", FIRST, served)
        quote = await world.quote("q1", 0, 1, "5")
        money = world.request("r1", "transfer.card_to_card", {"quote": quote.data["quote"]}, 0)
        asked = replace(money, release="forgotten")
        assert processor.in_flight() == frozenset()
        answer = asyncio.ensure_future(processor.submit(asked))
        await asyncio.sleep(0)
        assert processor.in_flight() == {"forgotten"}
        told = await answer
        assert (told.exit, told.outcome) == ("not_done", NotSent("release"))
        read = world.request("b1", "card.balance", {"card": CARDS[0]}, 0)
        told = await processor.submit(replace(read, release="forgotten"))
        assert told.exit == "unavailable"
        told = await processor.submit(replace(read, id="b2", release="known"))
        assert told.exit == "ok"
        told = await processor.submit(replace(money, id="r2", release="known"))
        assert told.exit == "ok"
        assert processor.in_flight() == frozenset()
        assert len(world.bank.postings) == 1
        await world.end()

    run(whole())
