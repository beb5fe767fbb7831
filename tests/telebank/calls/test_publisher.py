"""Two nodes of one store: one publishes, the other takes it; what cannot be taken leaves all as it
was; what the links are made of waits for a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.bank_process import Voice
from support.gas_release import add_gas
from support.publishing_nodes import WU, ReleaseNode, founders, open_node, proposed
from telebank.calls.control.releases import NotStaged
from telebank.flow.release import hash_of, release_files
from telebank.settings import seed_dir
from telebank.store.releases import Published


@asynccontextmanager
async def two_nodes(folder: Path, voice: Voice) -> AsyncIterator[tuple[ReleaseNode, ReleaseNode]]:
    async with open_node(folder, "01", voice) as one, open_node(folder, "02", voice) as two:
        await founders(one.store)
        yield one, two


async def has(node: ReleaseNode, release: str) -> None:
    """Wait until new calls of a node get this release."""
    async with asyncio.timeout(60):
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
        new = hash_of(files)
        done = await one.publisher.publish(await proposed(one.store, files))
        assert isinstance(done, Published)
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
        async with asyncio.timeout(20):
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
        async with asyncio.timeout(60):
            while two.publisher.standing()["publication"] != 2:
                await asyncio.sleep(0.05)
        for each in (one, two):
            standing = each.publisher.standing()
            assert (standing["release"], standing["new_calls"]) == (done.hash, old)
            assert "network is what the links are made of" in str(standing["why"])
