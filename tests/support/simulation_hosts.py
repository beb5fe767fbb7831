"""Hosts that lack something, under settings that fit them and settings that do not."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from core_adapters.iso8583.profile import Profile
from support.iso8583_kit import contracts, tb87
from support.simulation_bank import Weakness, one_codec
from support.simulation_cells import case, run_setting, with_first
from support.simulation_net import Hit, Plan
from support.simulation_world import BrokenError, Setting
from transactions.contract import Contracts


def profile_with(**changes: object) -> Profile:
    """tb87 with other reversal settings."""
    return replace(tb87(), reversal=replace(tb87().reversal, **changes))  # type: ignore[arg-type]


FITS = tb87()
WAITS = profile_with(tombstones=False)
NEW_STAN = profile_with(stan="new")
NO_94 = profile_with(duplicate_is_reversed=False)


def _by_person() -> Contracts:
    services = dict(contracts().services)
    services["transfer.card_to_card"] = replace(
        services["transfer.card_to_card"], recovery="person"
    )
    return Contracts(services)


BY_PERSON = _by_person()
"""A transfer without an answer goes to a person at once: no reversal is ever sent."""

NO_TOMBSTONES = Weakness(tombstones=False)
NO_DUPLICATES = Weakness(duplicates=False)
STAN_ALONE = Weakness(stan_alone=True)
REVERSAL_STAN = Weakness(reversal_stan=True)


@dataclass
class Verdicts:
    """What became of runs: well, left to a person, or wrong without anybody knowing."""

    well: int = 0
    person: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    seeds: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Runs that went wrong."""
        return self.wrong.total()

    def __str__(self) -> str:
        said = ", ".join(f"{n} {why} (SEED={self.seeds[why]})" for why, n in self.wrong.items())
        return f"{self.well} well, {self.person} to a person, {self.count} wrong: {said or '-'}"


def judge_host(
    first: Hit, setting: Setting, seed: int, seconds: float = 25.0, some: Iterable[int] = ()
) -> Verdicts:
    """Runs of one first fault, every second fault and step, on one kind of host."""
    verdicts = Verdicts()
    with one_codec():
        for number in some or with_first(first):
            made, _ = case(number, seed)
            plan: Plan = replace(made.plan, seconds=seconds)
            weak = replace(
                made,
                plan=plan,
                weakness=setting.weakness,
                profile=setting.profile,
                contracts=setting.contracts,
                may_be_manual=True,
                any_manual=True,
            )
            try:
                world = run_setting(weak, seed * 1_000_000 + number)
            except BrokenError as error:
                why = str(error).partition(": ")[2][:40] or str(error)
                verdicts.wrong[why] += 1
                verdicts.seeds.setdefault(why, f"{seed}:{number}")
            else:
                verdicts.person += bool(world.closed)
                verdicts.well += not world.closed
    return verdicts
