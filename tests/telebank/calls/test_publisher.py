"""Two nodes of one store: one publishes, the other takes it; what cannot be taken leaves all as it
was; what the links are made of waits for a restart."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.gas_release import add_gas
from support.publishing_nodes import WU, ReleaseNode, founders, open_node, proposed
from support.store_kit import money_plan, rows, transfer
from telebank.calls.control.releases import NotStaged
from telebank.commands.wiring.rules import Taught, Unread, learn_older, older_rules, read_rules
from telebank.flow.release import hash_of, release_files
from telebank.settings import seed_dir
from telebank.store import tables
from telebank.store.releases import Published, lay_out
from transactions.card import CardNumber
from transactions.contract import Service
from transactions.journal import Recorded
from transactions.outcome import Declined, Outcome, Values
from transactions.request import AuthLevel, Request

SLOW = "ceiling.tell"
CARD = CardNumber("6227001234567894")


pytestmark = pytest.mark.timeout(500)
PATIENCE_S = 200.0
"""Reading a release takes seconds of a core, and each node reads it; a busy machine has few."""


@dataclass(frozen=True, slots=True)
class Stumbling(Taught):
    """Fails in a way that nobody foresaw as often as `times` has entries."""

    times: list[int] = field(default_factory=list)

    async def use(self, release: str) -> None:
        if self.times:
            raise ZeroDivisionError(self.times.pop())
        # By name: a slotted dataclass is made twice, and `super()` knows the first alone.
        await Taught.use(self, release)


@dataclass
class SlowDesk:
    """Answers when it is told to."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def serves(self) -> Mapping[str, int]:
        return {SLOW: 1}

    async def execute(self, service: Service, request: Request, customer: str) -> Outcome:
        self.asked.set()
        await self.go.wait()
        return Declined("unavailable")

    async def trusts(self, service: Service, terms: Values, customer: str) -> bool:
        return False


@asynccontextmanager
async def two_nodes(
    folder: Path, voice: Voice, wrapped: Callable[[Taught], Taught] | None = None
) -> AsyncIterator[tuple[ReleaseNode, ReleaseNode]]:
    async with (
        open_node(folder, "01", voice) as one,
        open_node(folder, "02", voice, wrapped=wrapped) as two,
    ):
        await founders(one.store)
        yield one, two


async def has(node: ReleaseNode, release: str) -> None:
    """Wait until new calls of a node get this release."""
    async with asyncio.timeout(PATIENCE_S):
        while node.new_calls != release:
            await asyncio.sleep(0.05)


def gas(folder: Path, *, recordings: bool = True) -> dict[str, bytes]:
    for path, content in release_files(seed_dir()).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    add_gas(folder, recordings=recordings)
    return dict(release_files(folder))


async def test_the_other_node_takes_what_one_published_and_both_go_back(
    voice: Voice, tmp_path: Path
) -> None:
    async with two_nodes(tmp_path, voice) as (one, two):
        old, files = one.new_calls, gas(tmp_path / "gas")
        new, frozen = hash_of(files), gc.get_freeze_count()
        done = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(done, Published)
        assert gc.get_freeze_count() > frozen  # else reading has the collector walk all calls
        assert (done.hash, one.new_calls) == (new, new)
        await has(two, new)
        for each in (one, two):
            edition = each.node.edition
            assert edition.bank > 0
            assert "info.paper_gold" in edition.contracts
            assert (each.place.voice / f"release-{new[:16]}").is_dir()
            standing = each.publisher.standing()
            assert (standing["release"], standing["publication"], standing["why"]) == (new, 2, "")
        back = await two.publisher.roll_back(WU, "", "wrong words")
        assert isinstance(back, Published)
        assert two.new_calls == old
        await has(one, old)
        async with asyncio.timeout(PATIENCE_S):
            for each in (one, two):
                while (each.place.voice / f"release-{new[:16]}").exists():
                    await asyncio.sleep(0.05)
        assert await one.publisher.roll_back(WU, new, "mended after all") == "too_far"
        again = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(again, Published)
        assert one.node.edition.bank > 0


async def test_what_cannot_be_taken_is_not_published(voice: Voice, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, voice) as (one, two):
        old, files = one.new_calls, gas(tmp_path / "gas", recordings=False)
        refused = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(refused, NotStaged)
        assert "clips are not in the voice bank" in refused.error
        now = await two.store.releases.current()
        assert now is not None
        assert (now.hash, now.number, one.new_calls) == (old, 1, old)


async def test_what_the_links_are_made_of_waits_for_a_restart(voice: Voice, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, voice) as (one, two):
        old, files = one.new_calls, dict(release_files(seed_dir()))
        profile = files["hosts/tb87.yaml"].replace(b'echo: "301"', b'echo: "391"')
        assert profile != files["hosts/tb87.yaml"]
        files["hosts/tb87.yaml"] = profile
        done = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(done, Published)
        async with asyncio.timeout(PATIENCE_S):
            while two.publisher.standing()["publication"] != 2:
                await asyncio.sleep(0.05)
        for each in (one, two):
            standing = each.publisher.standing()
            assert (standing["release"], standing["new_calls"]) == (done.hash, old)
            assert "network is what the links are made of" in str(standing["why"])


def alarms(folder: Path) -> Sequence[tuple[str, str]]:
    found = rows(folder, tables.event, tables.event.c.kind == "alarm.release")
    return [(event.node, event.outcome) for event in found]


async def test_a_node_that_cannot_take_it_tries_again(voice: Voice, tmp_path: Path) -> None:
    async with two_nodes(tmp_path, voice) as (one, two):
        old, files = one.new_calls, dict(release_files(seed_dir()))
        files["services.yaml"] += b"# as of May\n"
        in_the_way = two.place.run / f"release-{hash_of(files)[:16]}"
        in_the_way.write_text("no folder")
        done = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(done, Published)
        async with asyncio.timeout(PATIENCE_S):
            while not two.publisher.standing()["why"]:
                await asyncio.sleep(0.05)
        standing = two.publisher.standing()
        assert (standing["release"], standing["new_calls"]) == (done.hash, old)
        assert "cannot be taken" in str(standing["why"])
        in_the_way.unlink()
        await has(two, done.hash)
        assert two.publisher.standing()["why"] == ""
    assert alarms(tmp_path) == [("02", "not_taken")]


async def test_what_nobody_foresaw_ends_no_looking(voice: Voice, tmp_path: Path) -> None:
    def stumbling(taught: Taught) -> Taught:
        return Stumbling(taught.processor, taught.speaks, [2, 1])

    async with two_nodes(tmp_path, voice, stumbling) as (one, two):
        files = dict(release_files(seed_dir()))
        files["services.yaml"] += b"# as of May\n"
        done = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(done, Published)
        async with asyncio.timeout(PATIENCE_S):
            while "ZeroDivisionError" not in str(two.publisher.standing()["why"]):
                await asyncio.sleep(0.02)
        await has(two, done.hash)
        async with asyncio.timeout(PATIENCE_S):
            while two.publisher.standing()["why"]:
                await asyncio.sleep(0.05)
    assert alarms(tmp_path) == [("02", "failed")]


async def test_a_request_in_flight_keeps_its_release(voice: Voice, tmp_path: Path) -> None:
    desk = SlowDesk()
    async with open_node(tmp_path, "01", voice, desk) as one:
        await founders(one.store)
        await one.processor.recover()
        old, files = one.new_calls, dict(release_files(seed_dir()))
        laid_out = one.place.run / f"release-{old[:16]}"
        request = Request(
            *("r1", SLOW, 1, {"card": CARD}, "order-1"),
            auth=AuthLevel.PIN,
            authenticated_token=one.store.vault.token(CARD),
            release=old,
        )
        flying = asyncio.create_task(one.processor.submit(request))
        await asyncio.wait_for(desk.asked.wait(), 10)
        files["services.yaml"] += b"# as of May\n"
        done = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(done, Published)
        assert laid_out.is_dir()
        desk.go.set()
        await flying
        async with asyncio.timeout(PATIENCE_S):
            while laid_out.exists():
                await asyncio.sleep(0.05)


async def test_open_rows_of_a_release_that_cannot_be_read_are_an_alarm(
    voice: Voice, tmp_path: Path
) -> None:
    async with open_node(tmp_path, "01", voice) as one:
        row = transfer("r1", release="f00d")
        made = await one.store.journal.record(row, money_plan(guarded=False))
        assert isinstance(made, Recorded)
        files = await one.store.releases.files(one.new_calls)
        rules = read_rules(one.new_calls, lay_out(one.new_calls, files, tmp_path))
        older = await older_rules(one.store, rules, tmp_path)
        assert [type(found) for found in older] == [Unread]
        assert one.taught.speaks.serves("f00d") == {}
        await learn_older(one.taught, older, one.store)
        assert one.taught.speaks.serves("f00d") == one.taught.speaks.serves(one.new_calls)
    (said,) = rows(tmp_path, tables.event, tables.event.c.kind == "alarm.release")
    assert (said.outcome, said.detail["release"]) == ("stand_in", "f00d")
    assert "telebank host unknown" in said.detail["todo"]
