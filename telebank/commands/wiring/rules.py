"""What a release says on the money path: its contracts and its host's profile, taught to processor
and adapter by its hash: a request is served and settled by the release it was made under."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from telebank.commands.wiring.alarms import warn
from telebank.store.releases import ReleaseError, lay_out
from telebank.store.store import Store
from transactions.contract import ContractError, Contracts, load_contracts
from transactions.journal import JournalEvent
from transactions.processor import Processor

TODO = "its open requests are settled by the release in force: see telebank host unknown"
"""What people do about an older release that is not spoken here."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one release; `config` is the folder where it is laid out."""

    release: str
    config: Path
    contracts: Contracts


@dataclass(frozen=True, slots=True)
class Unread:
    """A release of open rows that cannot be read, and why."""

    release: str
    why: str


def read_rules(release: str, config: Path) -> Rules:
    """Of a release laid out in `config`; raises `ContractError`."""
    return Rules(release, config, load_contracts(config / "services.yaml"))


async def older_rules(store: Store, now: Rules, place: Path) -> Sequence[Rules | Unread]:
    """Those of this node's open rows that are not in force, laid out under `place`."""
    found: list[Rules | Unread] = []
    for release in sorted(await store.releases.used() - {now.release, ""}):
        try:
            folder = lay_out(release, await store.releases.files(release), place)
            found.append(read_rules(release, folder))
        except (ReleaseError, ContractError, OSError) as error:
            found.append(Unread(release, str(error)))
    return found


async def learn_older(taught: "Taught", older: Sequence[Rules | Unread], store: Store) -> None:
    """For open rows. Where it cannot be, the release in force stands in, with an alarm that says
    so: their rows have to end."""
    for one in older:
        why = one.why if isinstance(one, Unread) else await _not_learnt(taught, one)
        if not why:
            continue
        await taught.stand_in(one.release)
        event = JournalEvent("alarm.release", outcome="stand_in")
        event.detail.update(release=one.release, why=why, todo=TODO)
        warn(event)
        await store.releases.note(event)


async def _not_learnt(taught: "Taught", rules: Rules) -> str:
    try:
        return await taught.learn(rules)
    except (ProfileError, ContractError, OSError) as error:
        return str(error)


class Speaks(Protocol):
    """An adapter, as far as releases go."""

    async def stand_in(self, release: str) -> None:
        """Let the one in force speak for a release."""
        ...

    def serves(self, release: str) -> Mapping[str, int]:
        """Services of a release, each with its contract version."""
        ...

    async def learn(self, rules: Rules) -> str:
        """Speak a release too; what cannot change while the links are up, or empty."""
        ...

    async def use(self, release: str) -> None:
        """It is in force from here on."""
        ...

    async def forget(self, release: str) -> None:
        """Nobody speaks it any more."""
        ...


class Dialected(Protocol):
    """The ISO 8583 adapter, on this loop or apart."""

    def serves(self, release: str) -> Mapping[str, int]:
        """See `Iso8583Host`; so for the others."""
        ...

    async def learn(self, release: str, profile: Profile, contracts: Contracts) -> str:
        """Speak a release too."""
        ...

    async def use(self, release: str) -> None:
        """It is in force."""
        ...

    async def stand_in(self, release: str) -> None:
        """The one in force speaks for it."""
        ...

    async def forget(self, release: str) -> None:
        """Nobody speaks it."""
        ...


@dataclass(frozen=True, slots=True)
class Iso8583Speaks:
    """By profiles of one name, one in each release."""

    host: Dialected
    profile: str

    def serves(self, release: str) -> Mapping[str, int]:
        """See `Speaks`."""
        return self.host.serves(release)

    async def learn(self, rules: Rules) -> str:
        """See `Speaks`; raises `ProfileError`."""
        path = rules.config / "hosts" / f"{self.profile}.yaml"
        profile = await asyncio.to_thread(load_profile, path)
        part = await self.host.learn(rules.release, profile, rules.contracts)
        return (
            f"hosts/{self.profile}.yaml: its {part} is what the links are made of" if part else ""
        )

    async def use(self, release: str) -> None:
        """See `Speaks`."""
        await self.host.use(release)

    async def stand_in(self, release: str) -> None:
        """See `Speaks`."""
        await self.host.stand_in(release)

    async def forget(self, release: str) -> None:
        """See `Speaks`."""
        await self.host.forget(release)


@dataclass(frozen=True, slots=True)
class FixedSpeaks:
    """An adapter that speaks what it was started with: another profile, or another contract of
    what it serves, needs a restart."""

    served: Mapping[str, int]
    profile: bytes
    name: str
    contracts: Contracts

    def serves(self, release: str) -> Mapping[str, int]:
        """See `Speaks`."""
        return self.served

    async def learn(self, rules: Rules) -> str:
        """See `Speaks`."""
        path = rules.config / "hosts" / f"{self.name}.yaml"
        if not path.is_file() or path.read_bytes() != self.profile:
            return f"hosts/{self.name}.yaml: an SQL host's profile"
        for service in self.served:
            if rules.contracts.services.get(service) != self.contracts.services.get(service):
                return f"services.yaml: {service} of an SQL host"
        return ""

    async def use(self, release: str) -> None:
        """There is one only."""

    async def stand_in(self, release: str) -> None:
        """There is one only."""

    async def forget(self, release: str) -> None:
        """There is one only."""


@dataclass(frozen=True, slots=True)
class Taught:
    """Processor and adapter, told of releases together."""

    processor: Processor
    speaks: Speaks

    async def learn(self, rules: Rules) -> str:
        """Serve and settle by this release too; what needs a restart, or empty.

        Raises `ProfileError`, or `ContractError` where a limit is not set here.
        """
        why = await self.speaks.learn(rules)
        if not why:
            served = self.speaks.serves(rules.release)
            self.processor.learn(rules.release, rules.contracts, served)
        return why

    async def stand_in(self, release: str) -> None:
        """The one in force serves and settles what was made under a release that is not read."""
        await self.speaks.stand_in(release)
        self.processor.stand_in(release)

    async def use(self, release: str) -> None:
        """It is in force: a request that names no release is served by it."""
        await self.speaks.use(release)
        self.processor.use(release)

    async def forget(self, release: str) -> None:
        """No call, no request in flight and no open row has it any more."""
        await self.speaks.forget(release)
        self.processor.forget(release)
