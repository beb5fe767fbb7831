"""What is looked at in a bank that a program not ours calls."""

from collections.abc import Iterator
from contextlib import contextmanager

from support.bank_process import BankProcess
from support.interop_programs import until


def at(bank: BankProcess) -> list[str]:
    """Where in the menus each live call is, `flow.node`."""
    return [str(line["node"]) for line in bank.control("/v1/lines")]


def lines_state(bank: BankProcess) -> list[str]:
    """The state of each live call, as `telebank lines` shows it."""
    return [str(line["state"]) for line in bank.control("/v1/lines")]


def entered(bank: BankProcess, place: str) -> None:
    """Wait until the one call is at a place of the menus."""
    until(lambda: place in at(bank), f"the call is at {place}, not at {at(bank)}")


OF_CALLS = ("calls", "claimed", "media_channels", "sip_legs", "sip_dialogs")
"""Counts of what belongs to calls; transactions of OPTIONS and phones that are there stay."""


@contextmanager
def nothing_left(bank: BankProcess) -> Iterator[None]:
    """After the block no call is left, nor anything of one."""
    yield
    until(lambda: _of_calls(bank) == {}, f"nothing is left of calls: {_of_calls(bank)}")


def _of_calls(bank: BankProcess) -> dict[str, int]:
    counts = bank.counts()
    return {name: counts[name] for name in OF_CALLS if counts[name]}
