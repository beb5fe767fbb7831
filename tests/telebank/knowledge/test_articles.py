"""Articles as data: what is refused, with its place, and whether the shipped ones are true."""

import re
from pathlib import Path

import pytest

from telebank.commands.wiring.knowledge import facts_of, findings, source_of
from telebank.customers.hours_file import load_hours
from telebank.knowledge.load import MAX_BYTES, KnowledgeError, faults, load_book, read_book
from telebank.knowledge.model import LANGUAGES
from telebank.settings import load_settings, seed_dir

KINDS = "schema: 1\nbusiness:\n  cards: {zh: 银行卡, en: Cards, flows: [report_loss]}\n"
GOOD = """schema: 1
articles:
  - id: loss
    business: [cards]
    services: [card.report_loss]
    subjects: {zh: [挂失], en: [loss]}
    title: {zh: 挂失, en: Loss}
    question: {zh: 怎么办, en: What now}
    answer: {zh: 有效 {loss.days} 天, en: For a while}
    valid: {from: 2026-01-01, until: 2027-01-01}
    updated: 2026-11-23
""".replace("{zh: 有效 {loss.days} 天", "{zh: '有效 {loss.days} 天'")
FACTS = {"loss.days": "5"}


def read(text: str, kinds: str = KINDS) -> None:
    read_book({"business.yaml": kinds.encode(), "a.yaml": text.encode()}, FACTS)


def test_texts_name_figures_of_the_settings() -> None:
    book = read_book({"business.yaml": KINDS.encode(), "a.yaml": GOOD.encode()}, FACTS)
    assert book.articles["loss"].answers["zh"] == "有效 5 天"
    assert book.articles["loss"].where == "a.yaml:3"


WRONG = [
    ("schema: 1", "schema: 2", "a.yaml:1: must begin with `schema: 1`"),
    ("articles:", "article:", "a.yaml:2: unknown key 'article'"),
    ("    updated", "    colour: red\n    updated", "a.yaml:11: unknown key 'colour'; use answer"),
    ("id: loss", "id: Loss", "a.yaml:3: `id` is small letters"),
    ("business: [cards]", "business: [pigs]", "a.yaml:3: loss: no business 'pigs'; there is cards"),
    ("business: [cards]", "business: []", "`business` names at least one kind"),
    ("business: [cards]", "business: [cards, cards]", "`business` has a name twice"),
    ("{zh: [挂失], en: [loss]}", "[挂失]", "a.yaml:3: loss: `subjects` is {zh: [限额]"),
    ("title: {zh: 挂失, en: Loss}", "title: {zh: 挂失}", "`title` is {zh: …, en: …}"),
    ("en: Loss}", "en: ''}", "the text of title in en is missing"),
    ("en: Loss}", f"en: {'x' * 81}}}", "title in en is longer than 80 characters"),
    ("en: Loss}", 'en: "a\\tb"}', "characters that cannot be printed"),
    ("    question", "    # question", "`question` is missing"),
    ("{loss.days}", "{loss.weeks}", "{loss.weeks} is no setting that texts can name; there is"),
    ("updated: 2026-11-23", "updated: soon", "`updated` must be a date"),
    ("    updated: 2026-11-23\n", "", "`updated` is missing"),
    ("until: 2027-01-01", "until: 2025-01-01", "`valid` ends before it begins"),
    ("services: [card.report_loss]", "services: card", "`services` is a list of at most 8"),
    ("- id: loss", "- - id: loss", "a.yaml:"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(KnowledgeError, match=re.escape(said)):
        read(GOOD.replace(old, new))


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(KnowledgeError) as refused:
        read(GOOD.replace("[cards]", "[pigs]") + GOOD.split("articles:\n")[1].replace("Loss", "''"))
    assert len(refused.value.findings) == 2


def test_no_id_is_there_twice() -> None:
    with pytest.raises(KnowledgeError, match=r"a\.yaml:12: loss is there twice, also in a\.yaml:3"):
        read(GOOD + GOOD.split("articles:\n")[1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * (MAX_BYTES + 1), f"larger than {MAX_BYTES} bytes"),
        ("schema: 1\narticles: [", "not YAML"),
        ("schema: 1\narticles: {}", "`articles` is a list"),
        ("schema: 1", "`articles` is missing"),
    ],
)
def test_files_that_are_none(text: str, said: str) -> None:
    with pytest.raises(KnowledgeError, match=said):
        read(text)


def test_a_menu_is_of_one_business() -> None:
    other = KINDS + "  loss: {zh: 挂失, en: Loss, flows: [report_loss]}\n"
    with pytest.raises(KnowledgeError, match=r"business\.yaml:4: the menu report_loss is of cards"):
        read(GOOD, other)


def test_what_is_named_must_be_there_and_have_a_form() -> None:
    text = GOOD.replace("[card.report_loss]", "[card.report_loss, pin.change, no.such]")
    book = read_book({"business.yaml": KINDS.encode(), "a.yaml": text.encode()}, FACTS)
    said = "\n".join(faults(book, {"card.report_loss": None, "pin.change": "secret"}, ()))
    assert "no service 'no.such'" in said
    assert "tellers have no form of pin.change (secret)" in said
    assert "no menu 'report_loss'" in said


def test_a_file_of_the_bank_stands_for_the_shipped_one(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    for folder in (shipped, own):
        folder.mkdir()
    (shipped / "business.yaml").write_text(KINDS)
    (shipped / "a.yaml").write_text(GOOD)
    assert set(load_book((shipped, own), FACTS).articles) == {"loss"}
    (own / "a.yaml").write_text("schema: 1\narticles: []\n")
    (own / "b.yaml").write_text(GOOD.replace("id: loss", "id: theirs"))
    assert set(load_book((shipped, own), FACTS).articles) == {"theirs"}


# -- the shipped ones ------------------------------------------------------------------------------


def test_the_shipped_articles_are_fine_and_every_main_menu_is_of_a_business(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert list(findings(tmp_path, settings)) == []
    book = source_of(tmp_path, settings).load()
    main = (seed_dir() / "flows" / "main.yaml").read_text(encoding="utf-8")
    menus = {"main", *re.findall(r"flow: ([a-z_]+)", main)}
    assert [menu for menu in sorted(menus) if not book.kind_of(menu)] == []
    of = {kind for one in book.articles.values() for kind in one.business}
    assert of == set(book.business)  # none is empty


def test_figures_are_those_in_force(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "telebank.toml").write_text('schema = 1\n[limits]\ntransfer_daily = "1234.50"\n')
    settings = load_settings(tmp_path)
    assert facts_of(settings)["limits.transfer_daily"] == "1,234.50"
    limits = source_of(tmp_path, settings).load().articles["transfer-limits"]
    assert all("1,234.50" in limits.answers[one] for one in LANGUAGES)


def test_hours_are_those_of_the_shipped_desks(tmp_path: Path) -> None:
    answers = source_of(tmp_path, load_settings(tmp_path)).load().articles["hours"].answers
    for week in load_hours(seed_dir() / "hours.yaml").desks.values():
        for span in {span for spans in week.values() for span in spans} - {None}:
            if span.end - span.first == 24 * 60:
                continue
            said = "–".join(f"{at // 60:02}:{at % 60:02}" for at in (span.first, span.end))
            assert all(said in text for text in answers.values()), said
