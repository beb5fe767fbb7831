"""Whether the money moved: the balances of payer and payee before and after."""

from collections.abc import Mapping
from dataclasses import dataclass

from core_adapters.conformance.judge import BROKEN, MOVED, STAYED, UNSEEN
from transactions.money import Money
from transactions.outcome import Value


@dataclass(frozen=True, slots=True)
class Held:
    """Balances of payer and payee, in minor units; None where the host would not say."""

    payer: int | None
    payee: int | None


@dataclass(frozen=True, slots=True)
class Move:
    """What a posting does: minor units that the payer loses, and that the payee gains."""

    cost: int
    gain: int

    @classmethod
    def of(cls, money: str, terms: Mapping[str, Value], amount: Money) -> "Move":
        """By the scenario's word: `transfer` to the payee, `pay` to the bank or a biller, `draw`
        from what the payer has with the bank; the fee is the payer's."""
        agreed, fee = minor(terms.get("amount"), amount.minor), minor(terms.get("fee"), 0)
        match money:
            case "pay":
                return cls(agreed + fee, 0)
            case "draw":
                return cls(fee - agreed - minor(terms.get("interest"), 0), 0)
            case _:
                return cls(agreed + fee, agreed)


def minor(value: Value | None, default: int) -> int:
    """An amount's minor units, or the default where it is none."""
    return value.minor if isinstance(value, Money) else default


def moved(before: Held, after: Held, move: Move) -> str:
    """Whole, not at all, in part or twice, or not known."""
    lost = (
        before.payer - after.payer if before.payer is not None and after.payer is not None else None
    )
    won = (
        after.payee - before.payee if before.payee is not None and after.payee is not None else None
    )
    if lost is not None and won is not None:
        return {(0, 0): STAYED, (move.cost, move.gain): MOVED}.get((lost, won), BROKEN)
    # A payee or payer whose balance the host will not tell is judged by the other one.
    if lost is not None:
        return {0: STAYED, move.cost: MOVED}.get(lost, BROKEN)
    if won is not None and move.gain:
        return {0: STAYED, move.gain: MOVED}.get(won, BROKEN)
    return UNSEEN
