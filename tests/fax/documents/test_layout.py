"""Pages: tables that go on, totals with their rows, letterhead and numbers on every page."""

import re
from dataclasses import replace
from typing import Any

import pytest

from fax.documents.layout import write_pdf
from fax.documents.paper import MAX_ROWS, TEXT_MM, Paper, PaperError, Table
from support.fax_paper import REFERENCE, numbered, paper, plain, texts_of


def _rows(page: str, letter: str = "R") -> list[int]:
    return [int(number) for number in re.findall(rf"\b{letter}(\d+)\b", page)]


def test_rows_go_on_over_more_than_twenty_pages() -> None:
    pages = texts_of(write_pdf(numbered(800, totals=2)))
    assert len(pages) > 20
    assert [row for page in pages for row in _rows(page)] == list(range(1, 801))
    for number, page in enumerate(pages, 1):
        assert page.count("Amount") == 1
        assert f"Page {number} of {len(pages)}" in page
        assert REFERENCE in page
    assert "END" in pages[-1]


@pytest.mark.parametrize("totals", [0, 1, 3])
def test_no_row_and_no_total_stands_alone_on_a_page(totals: int) -> None:
    lengths = set()
    for count in range(1, 66):
        pages = texts_of(write_pdf(numbered(count, totals)))
        lengths.add(len(pages))
        assert [row for page in pages for row in _rows(page)] == list(range(1, count + 1))
        assert min(len(_rows(page)) for page in pages) >= min(2, count)
        assert _rows(pages[-1], "T") == list(range(1, totals + 1))
        assert "END" in pages[-1]
    assert lengths >= {1, 2, 3}


def test_a_second_table_does_not_begin_at_the_foot_of_a_page() -> None:
    for count in range(20, 30):
        first = numbered(count, 0)
        second = replace(first.tables[0], title="SECOND", head=("Other", "Sum"))
        pages = texts_of(write_pdf(replace(first, tables=(first.tables[0], second))))
        begun = next(page for page in pages if "SECOND" in page)
        assert "Other" in begun
        assert _rows(begun)[-1] >= 2


def test_the_same_paper_gives_the_same_bytes_and_brings_its_letters() -> None:
    made = write_pdf(paper("card_recent", "zh"))
    assert made == write_pdf(paper("card_recent", "zh"))
    assert b"FontFile2" in made
    assert len(made) < 60_000
    assert "近期交易明细" in texts_of(made)[0]


def test_a_figure_that_is_too_wide_is_set_smaller_and_never_broken() -> None:
    wide = "CNY 9,999,999,999.99"
    table = Table(
        ("What", "Sum"), (("a long text that wraps " * 5, wide),), (40, 30), ("left", "right")
    )
    [page] = texts_of(write_pdf(plain(tables=(table,))))
    assert wide in page.replace("\N{NO-BREAK SPACE}", " ")


def test_what_stands_on_a_paper_is_named() -> None:
    made: Any = Paper
    with pytest.raises(TypeError, match="positional"):
        made("x", "X", "en", "", "1", "2026")


def test_a_long_name_and_title_do_not_meet() -> None:
    long = plain(title="T" * 60, bank="B" * 60, reference="1" * 60, note="one\ntwo")
    [page] = texts_of(write_pdf(long))
    assert "T" * 60 in page
    assert "B" * 60 in page
    assert "two" in page


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (Table(("a",), (("1", "2"),), (10,), ("left",)), "of one length"),
        (Table((), (), (), ()), "1 to 8 columns"),
        (Table(("a",), (), (0,), ("left",)), "positive number"),
        (Table(("a",), (), (TEXT_MM + 1,), ("left",)), "wider than"),
        (Table(("a",), (("x" * 401,),), (10,), ("left",)), "too long"),
        (Table(("a",), (("1",),) * (MAX_ROWS + 1), (10,), ("left",)), "too many"),
        (Table(("a",), (("字" * 400,),), (6,), ("left",)), "taller than a page"),
    ],
)
def test_what_cannot_be_set_is_said(table: Table, says: str) -> None:
    with pytest.raises(PaperError, match=says):
        write_pdf(plain(language="zh", tables=(table,)))
