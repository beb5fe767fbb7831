"""Which contracts a request is served by: its own release's, or those in force."""

from dataclasses import replace

from support.ledger_world import CONTRACTS
from transactions.contract import Contracts
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
    assert book.of("old")["card.balance"].version == 2
