"""Finding articles by words in Chinese and English, and by business."""

from datetime import date

import pytest

from telebank.knowledge.index import MAX_QUERY, Shelf
from telebank.knowledge.load import read_book
from telebank.knowledge.marks import excerpt, marked
from telebank.knowledge.model import EMPTY, blocks
from telebank.knowledge.words import asked, folded, tokens

TODAY = date(2026, 11, 23)
KINDS = """
schema: 1
business:
  cards: {zh: 银行卡, en: Cards, flows: [report_loss]}
  transfers: {zh: 转账, en: Transfers, flows: [transfer, payees]}
"""


def article(id_: str, **fields: str) -> str:
    """One that says nothing but what is given; `zh…` or `en…`, a field's first letter behind."""
    text = {"title": "无", "question": "无", "answer": "无"}
    lines = [f"  - id: {id_}", f"    business: [{fields.get('business', 'cards')}]"]
    lines.append(f"    services: [{fields.get('services', '')}]")
    lines.append(f"    subjects: {{zh: [{fields.get('subject', '无')}], en: [none]}}")
    lines += [
        f"    {key}: {{zh: {fields.get(key, none)}, en: {fields.get('en_' + key, 'none')}}}"
        for key, none in text.items()
    ]
    lines += [f"    valid: {fields.get('valid', '{}')}", "    updated: 2026-11-23"]
    return "\n".join(lines)


def shelf(*articles: str) -> Shelf:
    text = "schema: 1\narticles:\n" + "\n".join(articles)
    return Shelf(read_book({"business.yaml": KINDS.encode(), "a.yaml": text.encode()}, {}))


def ids(on: Shelf, query: str, business: str = "", here: str = "") -> list[str]:
    return [hit.article.id for hit in on.find(query, TODAY, business, here)]


# -- words -----------------------------------------------------------------------------------------


def test_chinese_is_cut_into_pairs_and_english_into_words() -> None:
    words = [token.text for token in tokens("挂失卡 Cards, 50,000.00 元")]
    assert words == ["挂失", "失卡", "卡", "card", "50000.00", "元"]
    assert asked("挂失卡") == ("挂失", "失卡")
    assert asked("卡") == ("卡",)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("ＰＩＮ", "pin"),
        ("Payees'", "payee"),
        ("today’s", "today"),
        ("entries", "entry"),
        ("branches", "branch"),
        ("business", "business"),
        ("fx", "fx"),
    ],
)
def test_words_are_folded(typed: str, word: str) -> None:
    assert asked(typed) == (word,)


def test_places_are_those_of_the_text_as_it_was() -> None:
    text = "ＰＩＮ ㎏ ﬁ İ 密码锁定"
    assert len(folded(text)) == len(text)
    assert [text[token.start : token.end] for token in tokens(text)][-4:] == [
        *("密码", "码锁", "锁定", "定"),
    ]


def test_words_that_tell_nothing_are_not_asked_for() -> None:
    assert asked("how do I get my PIN") == ("get", "pin")


# -- ranking ---------------------------------------------------------------------------------------


def test_title_before_subject_before_question_before_answer() -> None:
    found = shelf(
        article("in-answer", answer="说挂失"),
        article("in-question", question="说挂失"),
        article("in-subject", subject="挂失"),
        article("in-title", title="说挂失"),
        article("elsewhere", title="别的"),
    )
    assert ids(found, "挂失") == ["in-title", "in-subject", "in-question", "in-answer"]


def test_who_has_more_of_the_words_comes_first() -> None:
    found = shelf(article("one", en_question="a card"), article("both", en_question="a lost card"))
    assert ids(found, "lost card")[0] == "both"


def test_both_languages_are_searched_and_beginnings_found() -> None:
    found = shelf(article("loss", title="挂失", en_title="Reporting a loss"))
    assert ids(found, "report") == ids(found, "挂") == ids(found, "失") == ["loss"]
    assert ids(found, "eport") == []


def test_two_characters_must_stand_side_by_side() -> None:
    found = shelf(article("apart", title="失去一张卡挂着"))
    assert ids(found, "挂失") == []


def test_where_the_caller_is_comes_first() -> None:
    found = shelf(
        article("cards", title="限额"), article("moves", title="限额", business="transfers")
    )
    assert ids(found, "限额", here="report_loss") == ["cards", "moves"]
    assert ids(found, "限额", here="payees") == ["moves", "cards"]


# -- by business -----------------------------------------------------------------------------------


def test_a_business_lists_all_of_it_what_belongs_there_first() -> None:
    found = shelf(
        article("both", business="'cards', 'transfers'"),
        article("moves", business="transfers", services="transfer.card_to_card"),
        article("cards"),
    )
    assert ids(found, "", "transfers") == ids(found, "", here="transfer") == ["moves", "both"]
    assert ids(found, "", "transfer.card_to_card") == ["moves"]
    assert ids(found, "", "payees") == ["moves", "both"]
    assert ids(found, "") == ["both", "cards", "moves"]
    assert ids(found, "", here="nowhere") == ids(found, "")


def test_a_business_leaves_others_out_of_a_search() -> None:
    found = shelf(
        article("cards", title="限额"), article("moves", title="限额", business="transfers")
    )
    assert ids(found, "限额", "transfers") == ["moves"]
    assert ids(found, "限额", "nothing") == []


def test_what_does_not_hold_today_is_not_found() -> None:
    found = shelf(
        article("over", title="限额", valid="{until: 2026-11-22}"),
        article("last-day", title="限额", valid="{until: 2026-11-23}"),
        article("not-yet", title="限额", valid="{from: 2026-11-24}"),
    )
    assert ids(found, "限额") == ids(found, "") == ["last-day"]


def test_nothing_is_found_in_nothing() -> None:
    assert Shelf(EMPTY).find("挂失", TODAY) == ()


def test_long_questions_are_cut() -> None:
    found = shelf(article("loss", title="挂失"))
    assert ids(found, "x" * MAX_QUERY + "挂失") == []


# -- what is shown ---------------------------------------------------------------------------------


def test_what_was_asked_for_is_marked_in_the_text_as_written() -> None:
    assert marked("请挂失卡。", "挂失卡") == [("请", False), ("挂失卡", True), ("。", False)]
    assert marked("Lost CARDS", "card") == [("Lost ", False), ("CARDS", True)]
    assert marked("一张卡号", "卡") == [("一张", False), ("卡", True), ("号", False)]
    assert marked("其他", "挂失") == [("其他", False)]


def test_an_excerpt_is_about_what_was_asked_for() -> None:
    said = excerpt("多" * 200 + "\n挂失" + "少" * 200, "挂失")
    assert said[0] == said[-1] == "…"
    assert "挂失" in said
    assert excerpt("别的", "挂失") == ""
    assert excerpt(f"{'x' * 90} loss", "loss") == "…loss"


def test_an_answer_has_paragraphs_lists_and_steps() -> None:
    made = blocks("先说\n一句。\n\n- a\n- b\n  goes on\n\n1. x\n2. y\n\nend")
    assert [(block.kind, list(block.lines)) for block in made] == [
        ("text", ["先说一句。"]),
        ("list", ["a", "b goes on"]),
        ("steps", ["x", "y"]),
        ("text", ["end"]),
    ]
