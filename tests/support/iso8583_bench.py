"""The adapter under test, its peer over real TCP, its log, and what it told its owner."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents, LateReply
from core_adapters.iso8583.profile import Profile
from support.iso8583_kit import (
    MODULE,
    MemoryLog,
    contracts,
    quick_options,
    request,
    tb87,
)
from support.iso8583_peer import Peer
from transactions.outcome import Outcome

TRANSFER = "transfer.card_to_card"


class Bench:
    """A host under test, its peer, its log, and what it told its owner."""

    def __init__(self, peer: Peer, profile: Profile, **changes: object) -> None:
        self.peer = peer
        self.log = MemoryLog()
        self.alarms: list[Alarm] = []
        self.late: list[LateReply] = []
        self.answered: list[tuple[str, str, float]] = []
        """Link, STAN and seconds of each reply that came in time."""
        self.host = Iso8583Host(
            profile,
            contracts(),
            MODULE,
            quick_options(peer.port, **changes),
            events=HostEvents(
                late=self.late.append, alarm=self.alarms.append, answered=self._answered
            ),
        )

    def _answered(self, link: str, stan: str, seconds: float) -> None:
        self.answered.append((link, stan, seconds))

    async def ask(self, service: str, number: int = 1, **changes: object) -> Outcome:
        return await self.host.execute(request(service, number, **changes), self.log)

    async def ready(self) -> None:
        assert await self.host.wait_signed_on(5.0)


@asynccontextmanager
async def bench(profile: Profile | None = None, **changes: object) -> AsyncIterator[Bench]:
    peer = await Peer.start()
    made = Bench(peer, profile or tb87(), **changes)
    await made.host.start()
    try:
        await made.ready()
        yield made
    finally:
        await made.host.close()
        await peer.stop()


def hasty(profile: Profile, seconds: float = 0.05) -> Profile:
    """The profile with short time-outs."""
    services = {n: replace(s, timeout_s=seconds) for n, s in profile.services.items()}
    return replace(profile, services=MappingProxyType(services))
