"""The catalogue: the shipped one stands, and a wrong one is refused with file, line and mend."""

from pathlib import Path

import pytest

from fax.documents.catalogue import CatalogueError, load_documents
from fax.documents.checks import complaints
from support.fax_paper import CONFIG, SAMPLES, kinds
from transactions.contract import load_contracts

GOOD = """\
schema: 1
documents:
  mine:
    title: {zh: 明细, en: Mine}
    service: card.recent
    in: {card: $card}
    facts:
      - {of: card, label: {zh: 卡号, en: Card}, as: card}
    rows: items
    columns:
      - {of: "on", label: {zh: 日期, en: Date}, as: date, width: 30}
      - {of: amount, label: {zh: 金额, en: Amount}, as: money, width: 40, unit: CNY, total: true}
    none: [none]
"""


def _load(folder: Path, text: str) -> CatalogueError | None:
    file = folder / "documents.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load_documents(file)
    except CatalogueError as error:
        return error
    return None


def test_the_shipped_catalogue_fits_the_shipped_contracts() -> None:
    assert complaints(kinds(), load_contracts(CONFIG / "services.yaml").services) == []
    assert set(kinds()) == set(SAMPLES)


def test_a_good_catalogue_is_read(tmp_path: Path) -> None:
    assert _load(tmp_path, GOOD) is None
    mine = load_documents(tmp_path / "documents.yaml")["mine"]
    assert (mine.needs, mine.parts[0].none) == (("card",), frozenset({"none"}))
    assert [column.align for column in mine.parts[0].columns] == ["left", "right"]


@pytest.mark.parametrize(
    ("was", "now", "line", "says"),
    [
        ("schema: 1", "schema: 2", 1, "write `schema: 1`"),
        ("schema: 1", "schema: one", 1, "without quotes"),
        ("    title:", "    titel:", 3, "did you mean 'titel'"),
        ("en: Mine}", "en: ''}", 4, "`en` is no text"),
        (", en: Mine}", "}", 4, "`en` is missing"),
        ("{card: $card}", "{card: card}", 6, "write card: $NAME"),
        ("as: card}", "as: carb}", 8, "did you mean 'card'"),
        ("as: date, width: 30", "as: date, width: 300", 10, "within 174 mm"),
        ("as: date, width: 30", "as: date, width: -1", 11, "positive number"),
        ("as: date, width: 30", "as: date, width: 30, total: true", 11, "only money has a total"),
        ("as: date, width: 30", "as: date, width: 30, wide: 3", 11, "unknown key 'wide'"),
        ("unit: CNY", "unit: XYZ", 12, "write one of CNY"),
        ("total: true", "total: 7", 12, "neither true nor false"),
        ("    none: [none]", "    nine: [none]", 13, "unknown key 'nine'"),
        ("    rows: items\n", "", 9, "belong together"),
        ("    service: card.recent\n", "", 8, "`rows` without `service`"),
        ("service: card.recent", "service: recent", 5, "such as card.recent"),
        ("  mine:", "  Mine:", 3, "small letters"),
        ("schema: 1", "schema: [1", 2, "not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, was: str, now: str, line: int, says: str
) -> None:
    error = _load(tmp_path, GOOD.replace(was, now, 1))
    assert error is not None
    assert says in str(error)
    assert str(error).startswith(f"documents.yaml:{line}: ")


def test_a_fact_that_nobody_gives_is_refused(tmp_path: Path) -> None:
    facts = "      - {of: ref, label: {zh: 号, en: No}, as: digits}\n"
    text = "schema: 1\ndocuments:\n  slip:\n    title: {zh: 单, en: Slip}\n    facts:\n" + facts
    error = _load(tmp_path, text)
    assert error is not None
    assert (error.line, "`gives`" in error.mend) == (6, True)
    assert _load(tmp_path, text + "    gives: [ref]\n") is None
    assert _load(tmp_path, text + "    may: [ref]\n") is None


def test_no_file_and_no_mapping_are_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_documents(tmp_path / "none.yaml")
    error = _load(tmp_path, "- 1\n")
    assert error is not None
    assert "begin with `schema: 1`" in str(error)
    error = _load(tmp_path, "schema: 1\n" + "#" * 300_000)
    assert error is not None
    assert "too large" in str(error)


@pytest.mark.parametrize(
    ("was", "now", "line", "says"),
    [
        ("service: card.recent", "service: card.resent", 3, "did you mean 'card.recent'"),
        ("in: {card: $card}", "in: {cart: $card}", 3, "takes no 'cart'"),
        ("in: {card: $card}", "in: {}", 3, "needs 'card'"),
        ("rows: items", "rows: item", 3, "did you mean 'items'"),
        ('of: "on"', "of: onn", 11, "no column 'onn'"),
        ("as: date", "as: month", 0, ""),
        ("as: date", "as: time", 11, "'on' is a date"),
        ("none: [none]", "none: [nothing]", 3, "no exit 'nothing'"),
        ("{of: card,", "{of: kart,", 8, "given by nobody"),
        ("service: card.recent", "service: transfer.card_to_card", 3, "is no read"),
    ],
)
def test_what_does_not_fit_the_contracts_is_said(
    tmp_path: Path, was: str, now: str, line: int, says: str
) -> None:
    assert _load(tmp_path, GOOD.replace(was, now, 1)) is None
    read = load_documents(tmp_path / "documents.yaml")
    found = complaints(read, load_contracts(CONFIG / "services.yaml").services)
    if not says:
        assert found == []
        return
    assert [one for one in found if says in f"{one.problem}; {one.mend}" and one.line == line]


def test_what_a_service_that_is_not_there_would_give_is_not_complained_of(tmp_path: Path) -> None:
    wrong = GOOD.replace("card.recent", "card.resent").replace("{of: card,", "{of: total,")
    assert _load(tmp_path, wrong) is None
    read = load_documents(tmp_path / "documents.yaml")
    [found] = complaints(read, load_contracts(CONFIG / "services.yaml").services)
    assert (found.line, found.problem) == (3, "mine: there is no service card.resent")
