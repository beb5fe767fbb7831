from pathlib import Path

import numpy as np
import pytest

from support.voice_pack import write_pack
from voice_prompts import g711, pack
from voice_prompts.bank import Bank, build_bank

ZH = {"a.hello#0": "您好", "unit:一百": "一百"}
EN = {"a.hello#0": "Hello", "unit:p.m.": "p.m."}


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    folder = tmp_path / "packs"
    write_pack(folder / "zh", "zh", ZH)
    write_pack(folder / "en", "en", EN)
    return folder


def test_clips_lie_end_to_end_in_both_laws(packs: Path, tmp_path: Path) -> None:
    build_bank(packs, tmp_path / "bank")
    bank = Bank.open(tmp_path / "bank")
    assert bank.index.texts["zh/unit:一百"] == "一百"
    places = sorted(bank.index.clips.values())
    assert [start for start, _ in places] == np.cumsum([0, *(n for _, n in places)])[:-1].tolist()
    for language in ("zh", "en"):
        manifest = pack.load(packs / language)
        for clip in manifest.prompts:
            samples = pack.samples(packs / language, clip)
            start, count = bank.index.clips[f"{language}/{clip.id}"]
            for law in g711.LAWS:
                octets = bank.laws[law][start : start + count]
                assert np.array_equal(octets, g711.encode(samples, law))
                assert not octets.flags.writeable


def test_an_unchanged_bank_is_left_alone(packs: Path, tmp_path: Path) -> None:
    out = tmp_path / "bank"
    build_bank(packs, out)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    build_bank(packs, out)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    write_pack(packs / "en", "en", EN | {"unit:fen": "fen"})
    build_bank(packs, out)
    assert "en/unit:fen" in Bank.open(out).index.clips
    assert sorted(path.name for path in out.iterdir()) == sorted(before)


def test_a_damaged_pack_leaves_the_old_bank(packs: Path, tmp_path: Path) -> None:
    out = tmp_path / "bank"
    build_bank(packs, out)
    write_pack(packs / "en", "en", EN | {"unit:fen": "fen"})
    broken = packs / "en" / pack.file_name("unit:fen")
    broken.write_bytes(broken.read_bytes()[:-1] + b"?")
    (packs / "zh" / pack.file_name("unit:一百")).unlink()
    with pytest.raises(pack.PackError) as caught:
        build_bank(packs, out)
    assert len(caught.value.findings) == 2
    assert "en/unit:fen" not in Bank.open(out).index.clips


def test_what_cannot_be_opened(packs: Path, tmp_path: Path) -> None:
    out = tmp_path / "bank"
    with pytest.raises(pack.PackError, match="voice build"):
        Bank.open(out)
    build_bank(packs, out)
    with (out / "prompts.pcmu").open("ab") as file:
        file.write(b"?")
    with pytest.raises(pack.PackError, match="build again"):
        Bank.open(out)
    build_bank(packs, out)
    assert Bank.open(out).index.clips
    with pytest.raises(pack.PackError, match="no packs"):
        build_bank(tmp_path / "none", out)


def test_manifests_that_are_refused(packs: Path) -> None:
    folder = packs / "zh"
    path = folder / pack.MANIFEST
    good = path.read_text("utf-8")
    for bad, said in (
        (good.replace('"rate": 8000', '"rate": 16000'), "8000 samples a second"),
        (good.replace('"file": "', '"file": "../'), "in the pack's folder"),
        (good.replace('"voice"', '"singer"'), "manifest.json"),
        (good[:-5], "manifest.json"),
    ):
        path.write_text(bad, "utf-8")
        with pytest.raises(pack.PackError, match=said):
            pack.load(folder)


def test_levels_and_strangers_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "loud"
    write_pack(folder, "zh", {"a#0": "a"}, level_db=1.5)
    (folder / "stray.flac").write_bytes(b"")
    found = list(pack.faults(folder))
    assert len(found) == 2
    assert "level -20.5 dBov" in found[0]
    assert "in no manifest" in found[1]
    write_pack(folder, "zh", {"a#0": "a"}, level_db=19.0)
    assert any("peak" in finding for finding in pack.faults(folder))
