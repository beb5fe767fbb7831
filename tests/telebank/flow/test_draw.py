"""Pictures of the menu trees: everything is on them once, and nothing on top of anything else."""

from collections import Counter
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pypdfium2
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from support.flow_bank import BANK, DESK, LISTS
from telebank.console.texts import WORDS
from telebank.flow.check.graph import edges
from telebank.flow.draw.book import Book, book_of
from telebank.flow.draw.scene import SIZES, Page
from telebank.flow.draw.svg import index_svg, page_svg
from telebank.flow.draw.words import Wording
from telebank.flow.load import load_release
from telebank.flow.model import Call, Enter, Flow
from telebank.main import main
from telebank.reports.flow_pages import measure
from transactions.request import Language

SHIPPED = Path(__file__).resolve().parents[3] / "config"
NAMES = sorted(path.stem for path in (SHIPPED / "flows").glob("*.yaml"))
SVG = "{http://www.w3.org/2000/svg}"


@cache
def book(language: Language = "zh", config: Path = SHIPPED) -> Book:
    words = WORDS[language]
    wording = Wording(language, words.services, words.exits)
    return book_of(load_release(config), wording, measure())


@cache
def page(name: str, language: Language = "zh") -> tuple[Flow, Page]:
    drawn = book(language)
    return drawn.release.flows[name], drawn.pages[drawn.numbers[name] - 1]


@cache
def parsed(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(page_svg(book(), page(name)[1]))


def of_class(root: ElementTree.Element, *names: str) -> list[ElementTree.Element]:
    return [one for one in root.iter(f"{SVG}g") if one.get("class") in names]


@pytest.mark.parametrize("name", NAMES)
def test_every_node_is_on_its_page_once_and_money_is_marked(name: str) -> None:
    flow, _ = page(name)
    release, root = book().release, parsed(name)
    boxes = Counter(one.get("data-node") for one in of_class(root, "node"))
    assert boxes == Counter(list(flow.nodes))
    marks = {one.get("data-node"): one.get("data-mark") for one in of_class(root, "node")}
    for node in flow.nodes.values():
        effect = release.contracts[node.service].effect if isinstance(node, Call) else "read"
        assert marks[node.name] == ("" if effect == "read" else effect)


@pytest.mark.parametrize("name", NAMES)
def test_every_way_is_an_arrow_or_told(name: str) -> None:
    flow, _ = page(name)
    root = parsed(name)
    shown = [
        (one.get("data-from"), one.get("data-via"), one.get("data-to"))
        for one in of_class(root, "arrow", "way")
    ]
    everywhere = {(one.get("data-via"), one.get("data-to")) for one in of_class(root, "everywhere")}
    wanted = [
        (edge.source, edge.via, edge.target)
        for node in flow.nodes.values()
        for edge in edges(flow, node)
        if edge.target
    ]
    told = [way for way in wanted if (way[1], way[2]) in everywhere and way not in shown]
    assert Counter(shown) + Counter(told) == Counter(wanted)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_no_box_lies_on_another_and_no_arrow_goes_through_one(
    name: str, language: Language
) -> None:
    _, drawn = page(name, language)
    for one, other in combinations(drawn.boxes, 2):
        apart = one.right <= other.x or other.right <= one.x
        assert apart or one.bottom <= other.y or other.bottom <= one.y, (one.node, other.node)
    for arrow in drawn.arrows:
        for (x, y), (to_x, to_y) in pairwise(arrow.points):
            for box in drawn.boxes:
                across = min(x, to_x) < box.right - 0.1 and max(x, to_x) > box.x + 0.1
                along = min(y, to_y) < box.bottom - 0.1 and max(y, to_y) > box.y + 0.1
                assert not (across and along), (arrow.label, box.node)
    for box in drawn.boxes:
        assert 0 < box.x < box.right < drawn.width
        assert 0 < box.y < box.bottom < drawn.height


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_words_stay_inside_their_boxes_and_labels_off_each_other(
    name: str, language: Language
) -> None:
    wide = measure()
    _, drawn = page(name, language)
    for box in drawn.boxes:
        for line in box.lines:
            assert wide(line.text, SIZES[line.role]) < box.width, line.text
    placed = [
        (arrow.at[0], arrow.at[1], arrow.at[0] + wide(arrow.label, SIZES["way"]))
        for arrow in drawn.arrows
        if arrow.label
    ]
    for (left, foot, right), (other_left, other_foot, other_right) in combinations(placed, 2):
        beside = right <= other_left or other_right <= left
        assert beside or abs(foot - other_foot) >= SIZES["way"]


def test_pages_and_index_lead_to_each_other() -> None:
    root = parsed("transfers")
    links = {one.get("href") for one in root.iter(f"{SVG}a")}
    flow, _ = page("transfers")
    entered = {node.flow for node in flow.nodes.values() if isinstance(node, Enter)}
    assert links == {f"{name}.svg" for name in entered} | {"index.svg"}
    index = ElementTree.fromstring(index_svg(book()))
    assert {one.get("href") for one in index.iter(f"{SVG}a")} == {f"{name}.svg" for name in NAMES}
    told = "".join(root.itertext())
    assert f"共 {len(NAMES) + 1} 页" in told


def test_a_page_says_what_callers_hear_and_what_is_asked_in_people_s_words() -> None:
    told = "".join(parsed("transfer").itertext())
    for words in (
        "请输入收款人的卡号，按井号键结束。",
        "资金办理 · 转账",
        "〔金额〕",
        "按 1",
        "余额不足",
    ):
        assert words in told
    assert "{amount" not in told
    english = page_svg(book("en"), page("transfer", "en")[1])
    assert "Moves money" in english
    assert "[amount]" in english


@pytest.mark.parametrize("language", ["zh", "en"])
def test_texts_are_in_the_language_that_callers_hear(language: Language) -> None:
    flow, drawn = page("main", language)
    texts = book(language).release.texts

    def said(node: str) -> str:
        box = next(one for one in drawn.boxes if one.node == node)
        return "".join(line.text for line in box.lines if line.role == "body").replace(" ", "")

    assert said("lang").endswith(texts["en"]["lang.en"].text.replace(" ", ""))
    assert texts[language]["lang.zh"].text.replace(" ", "") in said("lang")
    assert said("en") == texts["en"]["lang.chosen"].text.replace(" ", "")
    assert flow.nodes["lang"].say[-1] == "lang.en@en"


def test_flows_are_completed() -> None:
    draw = ShellComplete(main, {}, "telebank", "_X")
    found = [item.value for item in draw.get_completions(["flow", "draw"], "or")]
    assert found == sorted(name for name in NAMES if name.startswith("or"))
    assert "orders" in found
    again = draw.get_completions(["flow", "draw", "orders"], "or")
    assert "orders" not in [item.value for item in again]
    there = ["flow", "draw", "--config", str(BANK)]
    assert "pay" in [item.value for item in draw.get_completions(there, "")]


@pytest.mark.parametrize("bank", [BANK, LISTS, DESK], ids=["payments", "lists", "desk"])
def test_names_that_nobody_knows_are_shown_as_they_are(bank: Path) -> None:
    drawn = book("en", bank)
    assert "pay" in {one.flow for one in drawn.pages} | {"pay"}
    for one in drawn.pages:
        ElementTree.fromstring(page_svg(drawn, one))


def test_the_pdf_has_an_index_and_a_page_for_each_flow_asked_for(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        main, ["flow", "draw", "main", "transfer", "bill", "-o", str(tmp_path)]
    )
    assert (run.exit_code, run.output.split()[-1]) == (0, str(tmp_path / "menus.pdf"))
    assert "3 menus, 4 pages" in run.output
    document = pypdfium2.PdfDocument(tmp_path / "menus.pdf")
    told = [one.get_textpage().get_text_bounded() for one in document]
    assert len(told) == 4
    assert "第 1 页，共 4 页" in told[0]
    assert all(name in told[0] for name in ("main", "transfer", "bill"))
    assert "资金办理 · 转账" in "".join(told[1:])
    assert [path.name for path in tmp_path.iterdir()] == ["menus.pdf"]


def test_svg_pages_come_with_their_typeface(tmp_path: Path) -> None:
    arguments = ["flow", "draw", "balance", "--format", "svg", "--language", "en", "-o"]
    run = CliRunner().invoke(main, [*arguments, str(tmp_path / "new")])
    assert run.exit_code == 0
    files = {path.name for path in (tmp_path / "new").iterdir()}
    assert files == {"index.svg", "balance.svg", "telebank-sans.ttf"}
    assert "1 menus, 2 pages" in run.output


def test_a_flow_that_is_not_there_is_named(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["flow", "draw", "nowhere", "-o", str(tmp_path)])
    assert run.exit_code == 2
    assert "no flow 'nowhere'; there are " in run.output
