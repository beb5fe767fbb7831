"""What a proposal's files go through before the node takes them: read once, within bounds, checked
as they were read; and what the check finds beyond menus and profiles."""

import asyncio
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telebank.commands.measured import lengths
from telebank.commands.wiring.release_check import (
    check_staged,
    findings,
    read_staged,
    stage,
    staged_in,
)
from telebank.flow.release import hash_of, release_files
from telebank.settings import seed_dir
from telebank.store.releases import MAX_FILES, MAX_RELEASE_BYTES, ReleaseError

FILES = {"services.yaml": b"one\n", "flows/main.yaml": b"menu\n"}


def staged(data: Path, files: Mapping[str, bytes] = FILES) -> tuple[str, Path]:
    stage(data, files)
    return hash_of(files), staged_in(data, hash_of(files))


def test_what_was_staged_is_read_once(tmp_path: Path) -> None:
    release, folder = staged(tmp_path)
    assert read_staged(tmp_path, release) == FILES
    (folder / "services.yaml").write_bytes(b"two\n")
    with pytest.raises(ReleaseError, match="not the files of"):
        read_staged(tmp_path, release)


def many(folder: Path) -> None:
    for number in range(MAX_FILES):
        (folder / "flows" / f"{number}.yaml").touch()


def large(folder: Path) -> None:
    with (folder / "hours.yaml").open("wb") as file:
        file.truncate(MAX_RELEASE_BYTES)


def a_link(folder: Path) -> None:
    (folder / "hours.yaml").symlink_to("services.yaml")


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "hours.yaml")


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (many, "a release has 1 to"),
        (large, "not the files of"),
        (a_link, "cannot be read"),
        (a_pipe, "no plain file"),
        (shutil.rmtree, "a release has 1 to"),
    ],
)
def test_no_more_is_read_than_a_release_may_have(
    tmp_path: Path, spoilt: Callable[[Path], None], why: str
) -> None:
    release, folder = staged(tmp_path)
    spoilt(folder)
    with pytest.raises(ReleaseError, match=why):
        read_staged(tmp_path, release)


async def test_what_is_checked_are_the_bytes_that_were_read(tmp_path: Path) -> None:
    good = dict(release_files(seed_dir()))
    bad = {**good, "flows/main.yaml": b"no menu\n"}
    release, folder = staged(tmp_path, bad)
    checking = asyncio.create_task(check_staged(tmp_path, release))
    async with asyncio.timeout(60):
        while not (copies := list((tmp_path / "run").glob("check-*/release-*"))):
            await asyncio.sleep(0.001)
    assert stat.S_IMODE(copies[0].parent.stat().st_mode) == 0o700
    (folder / "flows" / "main.yaml").write_bytes(good["flows/main.yaml"])
    found = await checking
    assert isinstance(found, tuple)
    assert any(line.startswith("flows/main.yaml:") for line in found)
    assert list((tmp_path / "run").glob("check-*")) == []


def test_texts_are_as_long_as_their_recordings(tmp_path: Path) -> None:
    for path, content in release_files(seed_dir()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    shipped, lead = lengths(tmp_path)
    assert shipped is not None
    assert lead is not None
    before = shipped("tr.payee", "zh")
    own = tmp_path / "recordings" / "zh" / "tr.payee-0.wav"
    own.parent.mkdir(parents=True)
    for each in (own, own.with_name("tr.amount-0.wav")):
        soundfile.write(each, np.zeros(16_000 * 59, np.int16), 16_000)
    now, _ = lengths(tmp_path)
    assert now is not None
    assert now("tr.payee", "zh") > 58 > before
    assert now("tr.payee", "en") == shipped("tr.payee", "en")
    assert any("[budget]" in line for line in findings(tmp_path, tmp_path / "data"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"second_factor_above: transfer": "second_factor_above: none_such"}, "tier 'none_such'"),
        ({"  transfer.card_to_card:": "  transfer.other:"}, "card_to_card is missing"),
        ({"transfer.quote": "transfer.asked"}, "transfer.quote is missing"),
        ({"transfer.quote": "transfer.asked"}, "quote it by transfer.quote"),
        ({"fee: money, payee": "payee", "amount, fee]": "amount]"}, "need its output 'fee'"),
        ({"to: card_no, amount: money}\n": "to: card_no, amount: money, why: digits}\n"}, "'why'"),
    ],
)
def test_what_settings_and_scheduled_transfers_lack_is_found(
    tmp_path: Path, changes: Mapping[str, str], said: str
) -> None:
    contracts = dict(release_files(seed_dir()))["services.yaml"].decode()
    for old, new in changes.items():
        assert old in contracts
        contracts = contracts.replace(old, new)
    for path, content in {**release_files(seed_dir()), "services.yaml": contracts.encode()}.items():
        (tmp_path / "new" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / path).write_bytes(content)
    found = findings(tmp_path / "new", tmp_path / "data")
    assert any(said in line for line in found), found


@pytest.mark.parametrize(
    ("service", "asked_in"),
    [("card.points", "flows/"), ("bill.breakdown", "documents.yaml:")],
)
def test_a_service_that_is_asked_and_the_profile_does_not_map_is_found(
    tmp_path: Path, service: str, asked_in: str
) -> None:
    files = dict(release_files(seed_dir()))
    profile = files["hosts/tb87.yaml"].decode()
    start = profile.index(f"  {service}:\n")
    rest = profile[profile.index("\n\n", start) :]
    files["hosts/tb87.yaml"] = (profile[:start] + rest).encode()
    for path, content in files.items():
        (tmp_path / "new" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / path).write_bytes(content)
    found = findings(tmp_path / "new", tmp_path / "data")
    said = f"asks {service}, which hosts/tb87.yaml does not map"
    assert [line for line in found if said in line and line.startswith(asked_in)], found
