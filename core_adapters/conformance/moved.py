"""Whether the money moved: the balances of payer and payee before and after."""

from collections.abc import Mapping
from dataclasses import dataclass

from core_adapters.conformance.judge import BROKEN, MOVED, STAYED, UNSEEN
from transactions.money import Money
from transactions.outcome import Value, Values

STILL = frozenset((lost, won) for lost in (0, None) for won in (0, None))
"""What payer and payee lost and won where nothing went from one to the other."""


@dataclass(frozen=True, slots=True)
class Held:
    """Balances of payer and payee, in minor units; None where the host would not say."""

    payer: int | None
    payee: int | None
    told: Values | None = None
    """What the host says the payer has, where no balance shows it: `Scenario.seen_in`."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a posting does: minor units that the payer loses, and that the payee gains."""

    cost: int
    gain: int

    @classmethod
    def of(cls, money: str, terms: Mapping[str, Value], amount: Money) -> "Move":
        """By the scenario's word: `transfer` to the payee, `pay` to the bank or a biller, `draw`
        from what the payer has with the bank, `inside` that, so that his balance stays; the fee is
        the payer's, and interest goes the way of the amount."""
        agreed, fee = minor(terms.get("amount"), amount.minor), minor(terms.get("fee"), 0)
        interest = minor(terms.get("interest"), 0)
        match money:
            case "pay":
                return cls(agreed + interest + fee, 0)
            case "draw":
                return cls(fee - agreed - interest, 0)
            case "inside":
                return cls(0, 0)
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
    if move == Move(0, 0):
        return _inside(before, after) if (lost, won) in STILL else BROKEN
    if lost is not None and won is not None:
        return {(0, 0): STAYED, (move.cost, move.gain): MOVED}.get((lost, won), BROKEN)
    # A payee or payer whose balance the host will not tell is judged by the other one.
    if lost is not None:
        return {0: STAYED, move.cost: MOVED}.get(lost, BROKEN)
    if won is not None and move.gain:
        return {0: STAYED, move.gain: MOVED}.get(won, BROKEN)
    return UNSEEN


def _inside(before: Held, after: Held) -> str:
    if before.told is None or after.told is None:
        return UNSEEN
    return STAYED if before.told == after.told else MOVED
