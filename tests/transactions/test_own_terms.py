"""What the customer keyed stays what he keyed, whatever the host answers to the quote."""

from dataclasses import replace
from pathlib import Path

import pytest

from support.ledger_world import CARDS, PIN, World
from support.transactions_time import run
from transactions.contract import ContractError, load_contracts
from transactions.money import Money
from transactions.outcome import Approved, Outcome, Values
from transactions.ports import MessageLog
from transactions.request import AuthLevel, Request
from transactions.secret import Secret

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "services.yaml"


def test_a_quote_that_takes_and_gives_one_name_is_refused(tmp_path: Path) -> None:
    old = "out: {fee: money, payee_masked: text, quote: text}"
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file = tmp_path / SHIPPED.name
    file.write_text(text.replace(old, old.replace("fee:", "amount: money, fee:")), "utf-8")
    with pytest.raises(ContractError, match=r"transfer\.quote takes 'amount' and gives it"):
        load_contracts(file)


def test_an_answer_never_changes_what_was_keyed() -> None:
    async def story() -> None:
        world = World()
        await world.start()
        plain = world.host.execute

        async def execute(request: Request, log: MessageLog) -> Outcome:
            outcome = await plain(request, log)
            if request.service == "transfer.quote" and isinstance(outcome, Approved):
                return replace(outcome, data={**outcome.data, "amount": Money.parse("500")})
            return outcome

        world.host.execute = execute  # type: ignore[method-assign, assignment]
        pin: Values = {"card": CARDS[0], "pin": Secret(PIN)}
        assert (await world.processor.submit(Request("p", "pin.verify", 1, pin, "a"))).exit == "ok"
        inputs: Values = {"from": CARDS[0], "to": CARDS[1], "amount": Money.parse("5")}
        token = world.vault.token(CARDS[0])
        asked = Request(
            *("q", "transfer.quote", 1, inputs, "a"),
            auth=AuthLevel.PIN,
            authenticated_token=token,
        )
        assert (await world.processor.submit(asked)).exit == "unavailable"
        assert not len(world.processor._quotes)

    run(story())
