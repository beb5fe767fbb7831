"""The reconciliation on paper and for spreadsheets, read back."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.hostfile import read_host_file
from fax.documents.fonts import FILE, register
from support.reconcile_world import (
    DAY,
    EXPLAINED,
    FAULTS,
    World,
    approved,
    journal_row,
    lost_at_host,
    lost_by_us,
    make_world,
    plain,
)
from telebank.commands.host.reconcile_show import as_json_object, show
from telebank.reports.charts import HOLE, Slice, ring
from telebank.reports.reconciliation import COLOURS, About, ReportFiles, write_report
from telebank.reports.rows import grouped
from telebank.reports.words import Language, words_of
from transactions.lifecycle import State
from transactions.money import MAX_MINOR
from transactions.reconcile import compare
from transactions.reconcile_values import Kind, Reconciliation, Severity

MADE = datetime(2026, 11, 23, 8, 30, tzinfo=timezone(timedelta(hours=8)))
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def result_of(world: World, *, file: bool = True, totals: bool = True) -> Reconciliation:
    told = world.totals() if totals else None
    return compare(DAY, world.journal, told, world.file if file else None, world.lookup)


def everything() -> Reconciliation:
    """Each kind of fault, many rows that agree."""
    world = make_world(Random(7), [*FAULTS, *EXPLAINED], 6)
    for number in range(1_000, 1_200):
        plain(world, approved(journal_row(number, State.APPROVED, Random(number))), Random(1))
    return result_of(world)


def write(folder: Path, result: Reconciliation, language: Language = "zh") -> ReportFiles:
    return write_report(result, folder, About("01", MADE, language))


def pages(path: Path) -> list[str]:
    document = pypdfium2.PdfDocument(path)
    return [page.get_textpage().get_text_bounded() for page in document]


def cells(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_is_on_paper_and_in_the_file(tmp_path: Path, language: Language) -> None:
    result, words = everything(), words_of(language)
    files = write(tmp_path, result, language)
    text = "\n".join(pages(files.pdf))
    for finding in result.findings:
        assert words.kinds[finding.kind] in text
        assert finding.reference in text
    for code, sides in result.currencies.items():
        assert grouped(sides.journal.net_minor, code) in text
    rows = list(cells(files.findings))
    assert len(rows) == len(result.findings)
    assert [row[words["code"]] for row in rows] == [one.kind.value for one in result.findings]
    assert all(row[words["to_do"]] for row in rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_numbered_and_have_a_letterhead(tmp_path: Path, language: Language) -> None:
    words = words_of(language)
    found = pages(write(tmp_path, everything(), language).pdf)
    assert len(found) > 1
    for number, page in enumerate(found, 1):
        assert words["page"].format(page=number, pages=len(found)) in page
        assert DAY.isoformat() in page
        assert words["title"] in page


def test_the_pages_carry_their_typeface_and_no_full_card_number(tmp_path: Path) -> None:
    files = write(tmp_path, everything())
    raw = files.pdf.read_bytes()
    assert b"TelebankSans" in raw
    assert raw.count(b"/FontFile2") >= 1
    assert len(raw) < 200_000
    text = "\n".join(pages(files.pdf)) + files.findings.read_text(encoding="utf-8-sig")
    assert "622700******0013" in text
    assert not re.search(r"[0-9]{16}", text)


CARD = "6227001234567899"
FORMS = (CARD, "6227 0012 3456 7899", "6227-0012-3456-7899", f"{CARD}=2512", "6227001234567890")
SECTION = {
    "columns": {
        name: name
        for name in ("reference", "service", "amount", "currency", "business_date", "status")
    },
    "status": {"posted": "posted"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", range(6))
def test_a_card_number_in_any_column_is_in_no_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, place: int
) -> None:
    """A comma lost or gained at the host: the columns have moved."""
    row = ["010000000077", "420000", "100", "CNY", DAY.isoformat(), "posted"]
    row[place] = form
    file = tmp_path / "host.csv"
    # Twice, so that a reference is also a duplicate at the host.
    lines = [",".join(SECTION["columns"]), ",".join(row), ",".join(row), ""]
    file.write_text("\n".join(lines), encoding="utf-8")
    world = World()
    ours = approved(journal_row(1, State.APPROVED, Random(1)))
    lost_at_host(world, replace(ours, payee_masked=f"{form} ZHANG", card_masked=form), Random(1))
    rows = read_host_file(file, SECTION)
    result = compare(DAY, world.journal, world.totals(), rows, world.lookup)
    assert len(result.findings) >= 3
    for language in LANGUAGES:
        files = write(tmp_path / language, result, language)
        show(result, files, words_of(language))
        said = json.dumps(as_json_object(result, files, "", ""))
        texts = [*pages(files.pdf), files.findings.read_text(encoding="utf-8-sig"), said]
        texts += [files.summary.read_text(encoding="utf-8-sig"), capsys.readouterr().out]
        for text in texts:
            squeezed = re.sub(r"[\s-]", "", text)
            assert CARD[:12] not in squeezed
            assert "=2512" not in squeezed


def test_a_day_that_agrees(tmp_path: Path) -> None:
    world = World()
    plain(world, approved(journal_row(1, State.APPROVED, Random(1))), Random(1))
    files = write(tmp_path, result_of(world))
    assert words_of("zh")["nothing"] in pages(files.pdf)[0]
    assert list(cells(files.findings)) == []


def test_a_day_without_transactions(tmp_path: Path) -> None:
    files = write(tmp_path, result_of(World()), "en")
    assert "All sides agree" in pages(files.pdf)[0]


@pytest.mark.parametrize(("file", "totals", "key"), [(0, 1, "no_file"), (1, 0, "no_totals")])
def test_a_side_that_is_missing_is_said(tmp_path: Path, file: int, totals: int, key: str) -> None:
    world = make_world(Random(1), [], 5)
    result = result_of(world, file=bool(file), totals=bool(totals))
    for language in LANGUAGES:
        words = words_of(language)
        found = "".join(pages(write(tmp_path, result, language).pdf)[0].split())
        assert "".join(words[key].split()) in found
        assert ("".join(words["overall_unchecked"].split()) in found) == (not file)
        assert "".join(words["nothing"].split()) not in found or file


def test_long_lists_end_with_a_word(tmp_path: Path) -> None:
    world = World()
    for number in range(1_050):
        lost_at_host(world, journal_row(number, State.APPROVED, Random(number)), Random(1))
    result = result_of(world)
    files = write(tmp_path, result, "en")
    left = len(result.findings) - 1_000
    assert f"{left} more are in the CSV file" in pages(files.pdf)[-1]
    assert len(list(cells(files.findings))) == len(result.findings)


def test_sums_are_of_whole_minor_units(tmp_path: Path) -> None:
    world = World()
    row = approved(journal_row(1, State.APPROVED, Random(1)))
    for number in range(3):
        part = replace(row, reference=f"{number:012d}", currency="CNY", amount=10, fee=0)
        plain(world, part, Random(1))
    files = write(tmp_path, result_of(world), "en")
    (net,) = [row for row in cells(files.summary) if row["Code"] == "net_minor"]
    assert (net["Journal"], net["Host's totals"], net["Host's file"]) == ("0.30", "0.30", "0.30")
    assert net["File less journal"] == "0.00"


def test_a_day_above_what_one_amount_can_hold_is_told_in_full(tmp_path: Path) -> None:
    world = World()
    for number in (1, 2):
        row = replace(journal_row(number, State.APPROVED, Random(1)), currency="CNY")
        plain(world, replace(approved(row), amount=MAX_MINOR), Random(1))
    files = write(tmp_path, result_of(world))
    assert "19,999,999,999.98" in "".join(pages(files.pdf))


def test_what_looks_like_a_formula_is_none(tmp_path: Path) -> None:
    world = World()
    bad = replace(journal_row(1, State.APPROVED, Random(1)), payee_masked='=HYPERLINK("x")')
    lost_at_host(world, bad, Random(1))
    (row, *_) = [
        row for row in cells(write(tmp_path, result_of(world), "en").findings) if row["Payee"]
    ]
    assert row["Payee"] == '\'=HYPERLINK("x")'


def test_text_of_others_is_no_markup(tmp_path: Path) -> None:
    world = World()
    odd = replace(journal_row(1, State.APPROVED, Random(1)), payee_masked="<b>&张*</i>")
    lost_at_host(world, odd, Random(1))
    assert "<b>&张*</i>" in "".join(pages(write(tmp_path, result_of(world)).pdf))


def test_both_languages_have_every_word() -> None:
    chinese, english = words_of("zh"), words_of("en")
    for kind in Kind:
        assert chinese.kinds[kind]
        assert english.advice[kind]
    assert set(chinese.plain) == set(english.plain)
    assert set(chinese.severities) == set(Severity)


def test_the_typeface_has_what_the_reports_say() -> None:
    from reportlab.pdfbase.pdfmetrics import getFont

    assert FILE.stat().st_size < 3_000_000
    known = getFont(register()).face.charToGlyph
    for language in LANGUAGES:
        words = words_of(language)
        tables = (words.plain, words.kinds, words.advice, words.names, words.severities)
        said = "".join(text for table in tables for text in table.values())
        assert {char for char in said if ord(char) not in known} == set()
    assert {char for char in "龘镕堃喆0123456789•…—“”¥€" if ord(char) not in known} == set()


@given(counts=st.lists(st.integers(0, 10**6), min_size=1, max_size=4))
def test_every_part_of_the_ring_can_be_seen(counts: list[int]) -> None:
    colours = list(COLOURS.values())
    slices = [Slice(str(number), count, colours[number % 3]) for number, count in enumerate(counts)]
    drawing = ring(slices, "", "", 400, register())
    arcs = [shape for shape in drawing.contents if hasattr(shape, "points")]
    assert len(arcs) == sum(count > 0 for count in counts)
    assert 0 < HOLE < 1


def test_only_at_the_host_says_what_the_host_did(tmp_path: Path) -> None:
    world = World()
    lost_by_us(world, journal_row(1, State.APPROVED, Random(1)), Random(1))
    text = "".join(pages(write(tmp_path, result_of(world), "en").pdf))
    assert re.search(r"posted|reversed", text)
