"""What a release says on the money path: its contracts and its host's profile, taught to processor
and adapter by its hash: a request is served and settled by the release it was made under."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from telebank.store.releases import ReleaseError, lay_out
from telebank.store.store import Store
from transactions.contract import ContractError, Contracts, load_contracts
from transactions.processor import Processor

log = structlog.get_logger("telebank.releases")


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one release; `config` is the folder where it is laid out."""

    release: str
    config: Path
    contracts: Contracts


def read_rules(release: str, config: Path) -> Rules:
    """Of a release laid out in `config`; raises `ContractError`."""
    return Rules(release, config, load_contracts(config / "services.yaml"))


async def older_rules(store: Store, now: Rules, place: Path) -> Sequence[Rules]:
    """Those of this node's open rows that are not in force, laid out under `place`. What cannot be
    read is left out with a warning; its rows are settled by what is in force."""
    found: list[Rules] = []
    for release in sorted(await store.releases.used() - {now.release}):
        try:
            folder = lay_out(release, await store.releases.files(release), place)
            found.append(read_rules(release, folder))
        except (ReleaseError, ContractError, OSError) as error:
            log.warning("release.not_read", release=release, why=str(error))
    return found


class Speaks(Protocol):
    """An adapter, as far as releases go."""

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

    async def use(self, release: str) -> None:
        """It is in force: a request that names no release, or one forgotten, is served by it."""
        await self.speaks.use(release)
        self.processor.use(release)

    async def forget(self, release: str) -> None:
        """No call and no open row has it any more."""
        await self.speaks.forget(release)
        self.processor.forget(release)
