"""Every sentence of every path test can be said, in both languages, with its values there."""

from pathlib import Path

import pytest

from telebank.flow.commands import Say
from telebank.flow.load import load_release
from telebank.flow.options import LANGUAGES, FlowOptions
from telebank.flow.pathtest import Player
from telebank.flow.playbook import load_playbook
from telebank.flow.release import Release
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

ROOT = Path(__file__).resolve().parents[3]
BOOKS = sorted((ROOT / "tests" / "playbooks").glob("*.yaml"))
SHIPPED = load_release(ROOT / "config")
SPEAKER = Speaker(Catalogue.load(ROOT / "config" / "prompts"), None)


class Listener(Player):
    """Plays a call and writes down the words of everything said."""

    def __init__(self, release: Release, words: dict[str, list[str]]) -> None:
        self.words = words
        self.release = release

    def play(self, book: Path) -> None:
        for test in load_playbook(book):
            super().__init__(self.release, test, FlowOptions())
            assert self.run().problem is None, test.name

    def _heard(self, say: Say) -> None:
        super()._heard(say)
        for spoken in say.prompts:
            for language in LANGUAGES:
                said = SPEAKER.render(spoken.prompt_id, spoken.values, language)
                self.words[language].append(said.text)


@pytest.mark.parametrize("book", BOOKS, ids=[book.stem for book in BOOKS])
def test_every_call_of_a_book_can_be_said(book: Path) -> None:
    words: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    Listener(SHIPPED, words).play(book)
    assert len(words["zh"]) == len(words["en"]) > 0
    assert not [text for text in words["zh"] + words["en"] if "{" in text or "|" in text]


def test_words_rates_months_and_rows_are_read_as_they_should() -> None:
    words: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for name in ("bills", "deposits_in", "deposits_out", "enquiries", "information"):
        Listener(SHIPPED, words).play(ROOT / "tests" / "playbooks" / f"{name}.yaml")
    assert {
        "二零二五年十二月账单，九十一元五角，逾期未缴，请按一。",
        "定期存款，子账户零零零三，五万元，年利率百分之一点九五。",
        "存入定期存款，一年，一万元，年利率百分之一点五五，手续费零元。"
        "确认请按一，修改金额请按二，取消请按星号键。",
        "一百日元，买入四点七二一一，卖出四点七五五八元。",
        "其他网点。",
    } <= set(words["zh"])
    assert {
        "For the bill of December, twenty twenty-five, ninety-one yuan and fifty fen, overdue, "
        "press one.",
        "One hundred Japanese yen, we buy at four point seven two one one, "
        "we sell at four point seven five five eight yuan.",
        "another branch.",
    } <= set(words["en"])
