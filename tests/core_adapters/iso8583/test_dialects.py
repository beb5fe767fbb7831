"""Releases side by side on one host: each request is built, judged and undone by its own profile,
and what the links are made of cannot change under them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

import pytest

from core_adapters.iso8583.dialects import of_the_links
from core_adapters.iso8583.format.framing import FrameOptions
from core_adapters.iso8583.format.templates import Constant
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.profile import CodeMeaning, Profile
from core_adapters.profiles.errors import ProfileError
from support.iso8583_kit import MODULE, MemoryLog, contracts, quick_options, request, tb87
from support.iso8583_peer import Peer, decline
from transactions.contract import Contracts
from transactions.outcome import Approved, Declined, NotSent
from transactions.ports import ReversalImpossible, Reversed

OLD, NEW, OTHER = "old", "new", "other"
BALANCE, TRANSFER = "card.balance", "transfer.card_to_card"


def changed(**service: object) -> Profile:
    """The shipped profile with another balance."""
    profile = tb87()
    balance = replace(profile.services[BALANCE], **service)
    return replace(profile, services=MappingProxyType({**profile.services, BALANCE: balance}))


@asynccontextmanager
async def speaking(**releases: Profile) -> AsyncIterator[tuple[Iso8583Host, Peer]]:
    peer = await Peer.start()
    host = Iso8583Host(tb87(), contracts(), MODULE, quick_options(peer.port))
    for release, profile in releases.items():
        assert await host.learn(release, profile, contracts()) == ""
    await host.start()
    try:
        assert await host.wait_signed_on(5.0)
        yield host, peer
    finally:
        await host.close()
        await peer.stop()


async def test_a_request_speaks_as_its_own_release() -> None:
    meaning = {"61": CodeMeaning("61", "decline", "no_account")}
    template = {**tb87().services[BALANCE].request, 3: Constant("319900")}
    other = changed(request=template, codes=meaning)
    async with speaking(old=tb87(), new=other) as (host, peer):
        await host.use(NEW)
        for release in (OLD, NEW, ""):
            asked = request(BALANCE, release=release)
            assert isinstance(await host.execute(asked, MemoryLog()), Approved)
        codes = [message.fields[3] for message in peer.seen]
        assert codes == [tb87().services[BALANCE].processing_code, "319900", "319900"]
        peer.script.reply = decline("61")
        said = [
            await host.execute(request(BALANCE, release=release), MemoryLog())
            for release in (OLD, NEW)
        ]
        assert said[1] == Declined("no_account")
        assert said[0] != said[1]


async def test_what_a_release_does_not_have_is_not_sent_and_not_undone() -> None:
    without = dict(tb87().services)
    del without[TRANSFER]
    bare = replace(tb87(), services=MappingProxyType(without))
    async with speaking(old=tb87(), new=bare, other=tb87()) as (host, peer):
        await host.use(NEW)
        assert (TRANSFER in host.serves(OLD), TRANSFER in host.serves(NEW)) == (True, False)
        assert host.capabilities() == host.serves(NEW)
        new, log = request(TRANSFER, release=NEW), MemoryLog()
        assert await host.execute(new, log) == NotSent("not_served")
        old = request(TRANSFER, release=OLD)
        assert isinstance(await host.execute(old, log), Approved)
        sent = log.rows[0]
        assert isinstance(await host.reverse(old, sent, "time_out", log, 0), Reversed)
        gone = await host.reverse(new, sent, "time_out", log, 0)
        assert gone == ReversalImpossible("not_served")
        await host.forget(OLD)
        assert host.serves(OLD) == {}
        assert await host.execute(old, log) == NotSent("release")
        gone = await host.reverse(old, sent, "time_out", log, 0)
        assert gone == ReversalImpossible("release")
        await host.use(OTHER)
        await host.stand_in(OLD)
        assert host.serves(OLD) == host.serves(OTHER)
        assert isinstance(await host.reverse(old, sent, "time_out", log, 0), Reversed)
        assert [message.mti for message in peer.seen] == ["0200", "0420", "0420"]


async def test_what_the_links_are_made_of_needs_a_restart() -> None:
    more = {**tb87().fields}
    more[63] = replace(more[62], number=63)
    inner = replace(tb87().network, echo="399")
    others = {
        "frame": replace(tb87(), frame=FrameOptions(size=4)),
        "network": replace(tb87(), network=inner),
        "fields": replace(tb87(), fields=MappingProxyType(more)),
        "name": replace(tb87(), name="other"),
    }
    async with speaking() as (host, _peer):
        for part, profile in others.items():
            assert await host.learn(NEW, profile, contracts()) == part
            assert host.serves(NEW) == host.serves("")
    assert of_the_links(tb87(), changed(timeout_s=1.0)) == ""


async def test_a_profile_that_does_not_fit_the_contracts_is_refused() -> None:
    async with speaking() as (host, _peer):
        with pytest.raises(ProfileError, match="has no contract"):
            await host.learn(NEW, tb87(), Contracts({}))
