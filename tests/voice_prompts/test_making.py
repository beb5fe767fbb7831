import sys
from pathlib import Path

import pytest

from support.voice_pack import write_studio, write_texts
from voice_prompts import making, pack
from voice_prompts.catalogue import Catalogue
from voice_prompts.checking import check_packs

ZH = {"a.hello": "您好。", "a.sum": "余额为{sum|money}，尾号{card|tail}。再见。"}
EN = {"a.hello": "Hello.", "a.sum": "You have {sum|money}, card {card|tail}. Goodbye."}


def lines_of(folder: Path, zh: dict[str, str] = ZH) -> list[making.Line]:
    catalogue = Catalogue.load(write_texts(folder, zh, EN))
    return [line for line in making.script(catalogue, "zh") if "百" not in line.text][:12]


def studio_of(tmp_path: Path, **options: str) -> making.Studio:
    return making.Studio(write_studio(tmp_path / "studio", **options), tmp_path, tmp_path)


def make(studio: making.Studio, folder: Path, lines: list[making.Line]) -> tuple[int, list[str]]:
    todo = making.plan(studio, folder, lines)
    said: list[str] = []
    making.make(studio, folder, todo, "a listener", said.append)
    return len(todo.kept), said


def test_fragments_know_what_follows(tmp_path: Path) -> None:
    texts = [line for line in lines_of(tmp_path) if line.kind == "text"]
    assert [(line.id, line.text, line.after) for line in texts] == [
        ("a.hello#0", "您好。", False),
        ("a.sum#0", "余额为", True),
        ("a.sum#1", "尾号", True),
        ("a.sum#2", "再见。", False),
    ]


def test_only_what_changed_is_made_again(tmp_path: Path) -> None:
    folder, studio = tmp_path / "pack", studio_of(tmp_path)
    lines = lines_of(tmp_path)
    assert make(studio, folder, lines) == (0, [line.id for line in lines])
    todo = making.plan(studio, folder, lines)
    assert (len(todo.kept), todo.changed) == (len(lines), ())

    lines = lines_of(tmp_path, ZH | {"a.hello": "您好！"})
    (folder / pack.file_name(lines[-1].id)).unlink()
    kept, said = make(studio, folder, lines[:2] + lines[3:])
    assert (kept, said) == (len(lines) - 3, ["a.hello#0", lines[-1].id])
    clips = {clip.id: clip for clip in pack.load(folder).prompts}
    assert (clips["a.hello#0"].take, clips["a.hello#0"].revision) == (2, 2)
    assert (clips["a.sum#0"].take, clips["a.sum#0"].approved_by) == (1, "a listener")
    assert list(pack.faults(folder)) == []


def test_another_chain_makes_everything_again(tmp_path: Path) -> None:
    folder, lines = tmp_path / "pack", lines_of(tmp_path)
    make(studio_of(tmp_path), folder, lines)
    kept, said = make(studio_of(tmp_path, chain="hum-2"), folder, lines)
    assert (kept, len(said)) == (0, len(lines))


def test_an_interrupted_studio_keeps_what_it_made(tmp_path: Path) -> None:
    folder, lines = tmp_path / "pack", lines_of(tmp_path)
    with pytest.raises(making.StudioError, match="lost its voice"):
        make(studio_of(tmp_path, fails_at=lines[5].text), folder, lines)
    kept, said = make(studio_of(tmp_path), folder, lines)
    assert (kept, len(said)) == (5, len(lines) - 5)


def test_the_bank_s_own_interpreter_is_no_studio(tmp_path: Path) -> None:
    studio = making.Studio(Path(sys.executable), tmp_path, tmp_path)
    with pytest.raises(making.StudioError, match=r"the studio lacks misaki"):
        list(studio.run("script", [{"id": "x", "language": "zh", "kind": "unit", "text": "一"}]))


def test_checking_against_the_texts(tmp_path: Path) -> None:
    packs, texts = tmp_path / "packs", write_texts(tmp_path / "texts", ZH, EN)
    catalogue = Catalogue.load(texts)
    for language in ("zh", "en"):
        studio = studio_of(tmp_path)
        make(studio, packs / language, list(making.script(catalogue, language)))
    assert check_packs(packs, texts).findings == ()
    write_texts(texts, {"a.hello": "喂。", "a.new": "新。"}, {"a.hello": "Hello.", "a.new": "New."})
    found = "\n".join(check_packs(packs, texts).findings)
    assert "zh/manifest.json: a.hello#0 says '您好。', the text is '喂。'" in found
    assert "en/manifest.json: a.new#0 is not recorded" in found
    assert "zh/manifest.json: a.sum#1 is in no text" in found
