from pathlib import Path

import pytest

from support.voice_pack import write_texts
from voice_prompts.bank import BankIndex
from voice_prompts.catalogue import Catalogue
from voice_prompts.readings import read
from voice_prompts.speaker import MissingClips, Speaker, needed, speak, speak_word
from voice_prompts.values import ReadingError

ZH = {
    "a.menu": "查询请按一。转账请按二。",
    "a.sum": "余额为{sum|money}，尾号{card|tail}。再见。",
    "a.only": "{n|count:time}。",
}
EN = {
    "a.menu": "Press one. Press two.",
    "a.sum": "You have {sum|money}, card {card|tail}. Goodbye.",
    "a.only": "{n|count:time}.",
}
VALUES = {"sum": "12.05", "card": "622700******1234"}


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue.load(write_texts(tmp_path, ZH, EN))


@pytest.fixture
def index(catalogue: Catalogue) -> BankIndex:
    keys = list(needed(catalogue))
    return BankIndex({key: (i * 1000, 800) for i, key in enumerate(keys)}, {})


def test_a_prompt_with_values(catalogue: Catalogue, index: BankIndex) -> None:
    utterance = Speaker(catalogue, index).render("a.sum", VALUES, "zh")
    assert utterance.text == "余额为十二元零五分，尾号幺二三四。再见。"
    assert utterance.clips == (
        "zh/a.sum#0",
        "zh/unit:十",
        "zh/unit:二元",
        "zh/unit:零五分",
        "zh/a.sum#1",
        "zh/unit:幺",
        "zh/unit:二",
        "zh/unit:三",
        "zh/unit:四",
        "zh/a.sum#2",
    )
    silences = [samples // 8 for start, samples in utterance.segments if start < 0]
    assert silences == [150, 20, 20, 150, 150, 60, 60, 60, 400]
    starts = [start for start, _ in utterance.segments if start >= 0]
    assert starts == [index.clips[clip][0] for clip in utterance.clips]


def test_english_words_are_spaced(catalogue: Catalogue) -> None:
    utterance = Speaker(catalogue, None).render("a.sum", VALUES, "en")
    assert utterance.text == (
        "You have twelve yuan and five fen, card one two three four. Goodbye."
    )
    assert utterance.segments == ()


def test_a_prompt_that_is_only_a_value(catalogue: Catalogue, index: BankIndex) -> None:
    utterance = Speaker(catalogue, index).render("a.only", {"n": 2}, "zh")
    assert (utterance.text, utterance.clips) == ("两次。", ("zh/unit:两次",))
    assert utterance.segments == (index.clips["zh/unit:两次"],)


def test_seconds(catalogue: Catalogue, index: BankIndex) -> None:
    assert Speaker(catalogue, index).seconds("a.menu", {}, "zh") == 0.1
    assert 1.0 < Speaker(catalogue, None).seconds("a.menu", {}, "en") < 2.0


def test_missing_clips_are_listed_at_load(catalogue: Catalogue, index: BankIndex) -> None:
    clips = {k: v for k, v in index.clips.items() if k not in ("zh/a.menu#0", "en/unit:fen")}
    with pytest.raises(MissingClips) as caught:
        Speaker(catalogue, BankIndex(clips, {}))
    assert caught.value.clips == ("zh/a.menu#0", "en/unit:fen")


def test_a_value_alone(index: BankIndex) -> None:
    utterance = speak(read("money", "12.05", "zh"), "zh", index)
    assert utterance.samples == 3 * 800 + 2 * 160
    with pytest.raises(MissingClips, match="zh/unit:十"):
        speak(read("money", "12.05", "zh"), "zh", BankIndex({}, {}))


def test_values_that_do_not_fit(catalogue: Catalogue) -> None:
    speaker = Speaker(catalogue, None)
    with pytest.raises(ReadingError, match="no value for 'card'"):
        speaker.render("a.sum", {"sum": "1"}, "zh")
    with pytest.raises(ReadingError, match=r"a\.sum: sum: "):
        speaker.render("a.sum", VALUES | {"sum": "much"}, "zh")
    with pytest.raises(KeyError):
        speaker.render("a.none", {}, "zh")


WORDS = {
    "a.row": "{on|month}，{what|word:txn}。",
    "word.txn.fee": "手续费",
    "word.txn.other": "其他",
}
EN_WORDS = {
    "a.row": "In {on|month}, {what|word:txn}.",
    "word.txn.fee": "a fee",
    "word.txn.other": "another entry",
}


@pytest.mark.parametrize(
    ("language", "code", "text", "clip"),
    [
        ("zh", "fee", "二零二六年二月，手续费。", "zh/word.txn.fee#0"),
        ("zh", "unknown", "二零二六年二月，其他。", "zh/word.txn.other#0"),
        ("en", "fee", "In February, twenty twenty-six, a fee.", "en/word.txn.fee#0"),
        ("en", "", "In February, twenty twenty-six, another entry.", "en/word.txn.other#0"),
    ],
)
def test_a_word_is_the_clip_of_its_text(
    tmp_path: Path, language: str, code: str, text: str, clip: str
) -> None:
    catalogue = Catalogue.load(write_texts(tmp_path, WORDS, EN_WORDS))
    index = BankIndex({key: (n * 1000, 800) for n, key in enumerate(needed(catalogue))}, {})
    values = {"on": "2026-02-01", "what": code}
    utterance = Speaker(catalogue, index).render("a.row", values, language)
    assert (utterance.text, utterance.clips[-1]) == (text, clip)
    before = utterance.segments[-2]
    assert before == (-1, 150 * 8)


def test_two_values_side_by_side_are_not_heard_as_one(tmp_path: Path) -> None:
    texts = {"a.row": "账户{sub|digits}，{amount|money}。"}
    english = {"a.row": "Account {sub|digits}, {amount|money}."}
    catalogue = Catalogue.load(write_texts(tmp_path, texts, english))
    index = BankIndex({key: (n * 1000, 800) for n, key in enumerate(needed(catalogue))}, {})
    values = {"sub": "0003", "amount": "134650.00"}
    for language in ("zh", "en"):
        segments = Speaker(catalogue, index).render("a.row", values, language).segments
        silences = [samples for start, samples in segments if start < 0]
        assert silences.count(500 * 8) == 1


def test_a_word_needs_its_value_and_its_clip(tmp_path: Path) -> None:
    catalogue = Catalogue.load(write_texts(tmp_path, WORDS, EN_WORDS))
    with pytest.raises(ReadingError, match="no value for 'what'"):
        Speaker(catalogue, None).render("a.row", {"on": "2026-02-01"}, "zh")
    index = BankIndex({k: (0, 8) for k in needed(catalogue) if "word.txn.fee" not in k}, {})
    with pytest.raises(MissingClips, match=r"word\.txn\.fee"):
        Speaker(catalogue, index)
    said = speak_word(catalogue.word("txn", "other", "en"), index)
    assert (said.text, said.clips) == ("another entry", ("en/word.txn.other#0",))
