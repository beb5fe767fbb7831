from pathlib import Path

import pytest

from support.voice_pack import write_texts
from voice_prompts.catalogue import Catalogue, CatalogueError, Fragment, Variable, parse

SEED = Path(__file__).resolve().parents[2] / "config" / "prompts"
ZH = {"a.hello": "您好。", "a.sum": "余额为{sum|money}。"}
EN = {"a.hello": "Hello.", "a.sum": "You have {sum|money}."}


def findings(folder: Path) -> str:
    with pytest.raises(CatalogueError) as caught:
        Catalogue.load(folder)
    return str(caught.value)


def test_the_shipped_texts() -> None:
    catalogue = Catalogue.load(SEED)
    assert catalogue.variables("tr.confirm") == {
        "amount": "money",
        "payee_masked": "tail",
        "fee": "money",
    }


def test_a_text_is_cut_at_its_values() -> None:
    assert parse("Pay {sum|money} to {card|tail}, now. ") == (
        Fragment(0, "Pay"),
        Variable("sum", "money"),
        Fragment(1, "to"),
        Variable("card", "tail"),
        Fragment(2, ", now."),
    )
    assert parse("{n|count:day}{m|count:time}。") == (
        Variable("n", "count:day"),
        Variable("m", "count:time"),
        Fragment(2, "。"),
    )
    assert Fragment(2, "。").spoken is False
    assert Fragment(2, ", now.").words == "now."


def test_templates_know_their_place(tmp_path: Path) -> None:
    catalogue = Catalogue.load(write_texts(tmp_path, ZH, EN))
    template = catalogue.template("a.sum", "en")
    assert template.where.endswith("en.yaml:5")
    assert template.clip(Fragment(0, "You have")) == "a.sum#0"
    assert list(catalogue) == ["a.hello", "a.sum"]
    assert "a.sum" in catalogue


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("余额{sum|cash}。", "unknown kind 'cash'"),
        ("余额{sum}。", "a brace that is no value"),
        ("余额{sum|money。", "a brace that is no value"),
        ("。", "nothing to say"),
        ("", "a text of 1 to"),
        ("长" * 500, "a text of 1 to"),
    ],
)
def test_texts_that_are_refused(tmp_path: Path, text: str, said: str) -> None:
    message = findings(write_texts(tmp_path, ZH | {"a.sum": text}, EN))
    assert "zh.yaml:5: a.sum: " in message
    assert said in message


def test_languages_must_agree(tmp_path: Path) -> None:
    folder = write_texts(
        tmp_path, ZH | {"a.more": "更多。"}, EN | {"a.sum": "You have {total|money}.", "b": "B."}
    )
    lines = findings(folder).splitlines()
    assert any("zh.yaml:6: a.more: missing in en" in line for line in lines)
    assert any("en.yaml:6: b: missing in zh" in line for line in lines)
    assert any("en.yaml:5: a.sum: sum, total in only one language" in line for line in lines)


def test_files_that_are_refused(tmp_path: Path) -> None:
    assert "en.yaml: missing" in findings(tmp_path)
    folder = write_texts(tmp_path, ZH, EN)
    path = folder / "en.yaml"
    good = path.read_text()
    path.write_text(good + '  a.sum: "Twice."\n')
    assert "en.yaml:6: " in findings(folder)
    path.write_text(good + "colour: red\n")
    assert "en.yaml:6: unknown key 'colour'" in findings(folder)
    path.write_text(good.replace("schema: 1", "schema: 2"))
    assert "`schema` must be 1" in findings(folder)
    path.write_text(good.replace("a.sum", "A Sum"))
    assert "no prompt id" in findings(folder)
    path.write_text("[")
    assert "en.yaml:1" in findings(folder)
    path.write_text("just words")
    assert "expected `schema`" in findings(folder)


WORDS = {"a.list": "{what|word:txn}。", "word.txn.fee": "手续费", "word.txn.other": "其他"}
EN_WORDS = {"a.list": "{what|word:txn}.", "word.txn.fee": "a fee", "word.txn.other": "another"}


def test_a_code_is_spoken_by_its_text_or_by_that_of_unknown_ones(tmp_path: Path) -> None:
    catalogue = Catalogue.load(write_texts(tmp_path, WORDS, EN_WORDS))
    assert catalogue.variables("a.list") == {"what": "word:txn"}
    assert catalogue.word("txn", "fee", "en").text == "a fee"
    assert catalogue.word("txn", "never_heard_of", "zh").text == "其他"
    assert catalogue.longest_word("txn") == "fee"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"word.txn.fee": "手续费。"}, "leave out values and the mark"),
        ({"word.txn.fee": "{n|number}元"}, "leave out values and the mark"),
        ({"word.fee": "手续费"}, "named word.SET.CODE"),
        ({"a.list": "{what|word:bill}。"}, "needs the text word.bill.other"),
        ({"a.list": "{what|word}。"}, "unknown kind 'word'"),
        ({"word.txn.more": "更多"}, "missing in en"),
    ],
)
def test_words_that_cannot_be_spoken_are_findings(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    english = EN_WORDS if "word.txn.more" in change else {**EN_WORDS, **change}
    folder = write_texts(tmp_path, {**WORDS, **change}, english)
    assert words in findings(folder)
