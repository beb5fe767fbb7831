"""What a caller asks of loans and bonds by wire: lists to their end, quotes and their orders."""

from pathlib import Path
from typing import Any

from support.bank_services import Asker
from transactions.contract import load_contracts
from transactions.outcome import Approved, Outcome, Value
from transactions.request import Request

CONTRACTS = load_contracts(Path(__file__).resolve().parents[2] / "config" / "services.yaml")
MOST_PAGES = 20


def approved(outcome: Outcome) -> dict[str, Any]:
    """What an approval says."""
    assert isinstance(outcome, Approved), outcome
    return dict(outcome.data)


async def listed(caller: Asker, service: str, **inputs: Value) -> list[dict[str, Any]]:
    """All rows of a list, page by page as a flow asks for them."""
    rows: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        outcome = await caller.ask(service, **inputs)
        data = approved(outcome)
        page: Any = data["items"]
        rows += [dict(row) for row in page]
        if "cursor" not in data:
            assert CONTRACTS[service].exit_for(outcome) == ("last" if page else "none")
            return rows
        inputs["cursor"] = data["cursor"]
    raise AssertionError(f"{service} has no end")


async def quoted(caller: Asker, service: str, **inputs: Value) -> Request:
    """The order that follows a quote, as a caller confirms it."""
    terms = approved(await caller.ask(f"{service}_quote", **inputs))
    return caller.request(service, {**inputs, **terms})
