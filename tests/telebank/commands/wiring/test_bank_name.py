"""The bank's name: one setting, on papers, in headers of faxes and in mails."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from fax.documents.jobs import Answer
from fax.documents.paper import Paper
from support.fax_jobs import FaxHouse, queued
from support.fax_office import Press, asked, office_of
from support.store_kit import open_store
from telebank.calls.faxes.letters import FaxLetters
from telebank.calls.faxes.office import Made
from telebank.calls.faxes.outgoing import terminal_of
from telebank.commands.wiring.faxes import FaxRoom
from telebank.settings import MAX_BANK, Settings, SettingsError, load_settings

NAMES = {"zh": "锦云银行", "en": "Cloud Bank"}


def _settings(data: Path, text: str) -> Settings:
    (data / "config").mkdir(exist_ok=True)
    (data / "config" / "telebank.toml").write_text(f"schema = 1\n{text}", encoding="utf-8")
    return load_settings(data)


def test_the_demo_has_a_name_and_a_bank_gives_its_own(tmp_path: Path) -> None:
    demo = load_settings(tmp_path)
    assert demo.node.bank == {"zh": "示范银行", "en": "Demo Bank"}
    assert terminal_of(demo.fax).header == "Demo Bank"
    own = _settings(tmp_path, '[node]\nbank = {zh = "锦云银行", en = "Cloud Bank"}\n')
    assert own.node.bank == NAMES
    assert terminal_of(own.fax).header == "Cloud Bank"
    header = '[fax]\nheader = "{bank} 020-8765"\n'
    assert terminal_of(_settings(tmp_path, header).fax).header == "Demo Bank 020-8765"
    assert terminal_of(_settings(tmp_path, '[fax]\nheader = ""\n').fax).header == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[node]\nbank = {en = "云"}\n', "node.bank.en is of ASCII"),
        (f'[node]\nbank = {{zh = "{"云" * (MAX_BANK + 1)}"}}\n', "at most 32"),
        ('[node]\nbank = {zh = "云\\n"}\n', "printable"),
        ('[node]\nbank = {fr = "Banque"}\n', "give zh and en"),
        ('[node]\nbank = {zh = "锦云银行"}\n', "node.bank has no name for en: give both"),
        ('[node]\nbank = {en = "Cloud Bank"}\n', "node.bank has no name for zh: give both"),
        (f'[fax]\nheader = "{"x" * 43} {{bank}}"\n', "with the name of"),
    ],
)
def test_names_that_no_paper_can_show(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        _settings(tmp_path, text)


class Reader(Press):
    """Reads what is printed."""

    bank = ""

    async def print(self, paper: Paper, *, pdf: Path, tiff: Path, resolution: str) -> Answer:
        self.bank = paper.bank
        return await super().print(paper, pdf=pdf, tiff=tiff, resolution=resolution)


@pytest.mark.parametrize("names", [NAMES, {}])
async def test_papers_carry_it(tmp_path: Path, names: Mapping[str, str]) -> None:
    house, press = FaxHouse(tmp_path), Reader()
    async with house.life() as jobs:
        made = await office_of(house, jobs, press, bank=names).prepare(asked("here"))
    assert isinstance(made, Made)
    assert press.bank == names.get(made.asked.fax.language, "")


async def test_the_mail_of_a_fax_that_came_carries_it(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        fax = await queued(store)
        room = FaxRoom(load_settings(tmp_path), tmp_path, store, store.vault)
        assert fax is not None
        subject = FaxLetters(room._post()).letter(fax).subject
    assert subject.startswith("示范银行 Demo Bank ")
    assert subject.endswith(f"{fax.id} / fax from {fax.number.masked}")
