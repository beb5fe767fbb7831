"""Each refusal of flow-format on a flow that is good but for one change, at its file and line."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from support.flow_bank import BANK, DESK, LISTS, changed, findings_of, line_of
from telebank.flow.check import check_release
from telebank.flow.load import load_release
from telebank.flow.model import FlowError
from telebank.flow.options import FlowOptions
from telebank.flow.release import read_release

PAPERS = BANK.with_name("papers")
"""A small bank that faxes documents."""
MAIN, PAY, ZH = "flows/main.yaml", "flows/pay.yaml", "prompts/zh.yaml"


@dataclass(frozen=True)
class Broken:
    """A row of broken.yaml, which says what each key means."""

    what: str
    file: str
    old: str
    new: str
    rule: str
    words: str
    at: str = ""


def table(name: str) -> list[Broken]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [Broken(**row) for row in YAML(typ="safe").load(text)]


BROKEN = [(BANK, case) for case in table("broken.yaml")]
BROKEN += [(LISTS, case) for case in table("broken_lists.yaml")]
BROKEN += [(DESK, case) for case in table("broken_desk.yaml")]
BROKEN += [(PAPERS, case) for case in table("broken_papers.yaml")]


@pytest.mark.parametrize(("bank", "case"), BROKEN, ids=[case.what for _, case in BROKEN])
def test_a_broken_release_is_refused_where_it_is_broken(
    bank: Path, case: Broken, tmp_path: Path
) -> None:
    config = changed(tmp_path, case.file, case.old, case.new, bank)
    found = findings_of(config)
    at = case.at or case.file
    line = line_of(config, at, case.words)
    assert (case.rule, at, line) in {(f.rule, f.file, f.line) for f in found}, found
    assert all(finding.problem and finding.mend for finding in found)
    with pytest.raises(FlowError):
        load_release(config)


@pytest.mark.parametrize(
    "bank", [BANK, LISTS, DESK, PAPERS], ids=["payments", "lists", "desk", "papers"]
)
def test_the_banks_of_these_tests_are_refused_nothing(bank: Path) -> None:
    assert findings_of(bank) == []


def test_menus_in_a_row_without_an_agent_are_refused(tmp_path: Path) -> None:
    menu = 'kind: menu, say: main.menu, keys: {"0": ~}, choices:'
    deep = "".join(f'  deep{n}: {{{menu} {{"1": deep{n + 1}}}}}\n' for n in range(1, 5))
    config = changed(tmp_path, MAIN, '"3": code}', '"3": code, "4": deep1}')
    path = config / MAIN
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  bye: {", deep + "  deep5: {kind: exit}\n  bye: {"), "utf-8")
    line = line_of(config, MAIN, "deep4: {")
    assert [(f.rule, f.line) for f in findings_of(config)] == [("depth", line)]


def test_an_unbound_key_is_no_way_out(tmp_path: Path) -> None:
    config = changed(
        tmp_path, PAY, 'entry_keys: {"0#": failed}', 'entry_keys: {"0#": failed, "*": failed}'
    )
    path = config / PAY
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("into: amount,", 'into: amount, entry_keys: {"*": ~},', 1), "utf-8"
    )
    assert findings_of(config) == []


def test_measured_seconds_count_instead_of_estimates() -> None:
    release = read_release(BANK)
    found = check_release(release, FlowOptions(), lambda prompt, language: 30.0)
    assert {finding.rule for finding in found} == {"budget"}
    assert check_release(release, FlowOptions(), lambda prompt, language: 0.1) == []


def test_documents_are_part_of_the_release(tmp_path: Path) -> None:
    config = changed(tmp_path, "documents.yaml", "en: Receipt", "en: Slip", PAPERS)
    assert read_release(config).hash != read_release(PAPERS).hash


def test_findings_come_by_file_and_line(tmp_path: Path) -> None:
    config = changed(tmp_path, MAIN, "exhausted: agent", "exhausted: nobody")
    found = findings_of(config)
    assert len(found) > 1
    assert found == sorted(found, key=lambda f: (f.file, f.line))


def test_the_hash_follows_every_file_of_the_release(tmp_path: Path) -> None:
    before = read_release(BANK).hash
    config = changed(tmp_path, ZH, "没有新闻。", "没有消息。")
    assert read_release(config).hash != before
    assert read_release(BANK).hash == before
