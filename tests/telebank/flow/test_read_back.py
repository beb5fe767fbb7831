"""The shipped menus: a confirm says who or what is paid, in the reads and in both texts."""

import re
import shutil
from pathlib import Path

import pytest

from support.flow_bank import changed, findings_of
from transactions.contract import ContractError, load_contracts

CONFIG = Path(__file__).resolve().parents[3] / "config"
SERVICES = "services.yaml"


def without(config: Path, flow: str, term: str) -> None:
    """Leave `term` out of the reads of every confirm of a flow."""
    path = config / "flows" / f"{flow}.yaml"
    text = path.read_text(encoding="utf-8")
    lines = [re.sub(rf"\b{term}, |, {term}\b", "", m) for m in re.findall(r"reads: \[.*?\]", text)]
    left = iter(lines)
    path.write_text(re.sub(r"reads: \[.*?\]", lambda _: next(left), text), encoding="utf-8")


PAID = {
    "bill": ("biller", "number"),
    "bill_month": ("number",),
    "draw_part": ("sub",),
    "draw_whole": ("sub",),
    "place": ("kind",),
    "place_term": ("term",),
    "loan_open": ("term",),
    "loan_pledged": ("sub",),
    "loan_part": ("sub",),
    "loan_whole": ("sub",),
    "bond_buy": ("issue",),
    "bond_part": ("sub",),
    "bond_whole": ("sub",),
    "fx_deal": ("from", "to"),
    "fx_order": ("ends",),
    "fx_order_two": ("other",),
    "fx_cancel": ("order",),
    "fx_merge": ("unit",),
    "fx_roll": ("sub", "term"),
    "transfer": ("payee_masked",),
}
"""What each flow's confirms must say besides amounts."""


def test_confirms_that_leave_out_what_is_paid_are_refused(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    for flow, terms in PAID.items():
        for term in terms:
            without(config, flow, term)
    found = findings_of(config)
    told = [(f.rule, f.file, f.problem.split("read back ")[1].split(",")[0]) for f in found]
    expected = [
        ("money-read-back", f"flows/{flow}.yaml", term)
        for flow, terms in PAID.items()
        for term in terms
        for _ in ("its read-back", "that of the same again")
    ]
    assert sorted(told) == sorted(expected)


def test_what_the_quote_leaves_out_need_not_be_read_back() -> None:
    """place has no term, fx_order no other rate, loan_open no pledge."""
    assert findings_of(CONFIG) == []


def test_reads_and_text_must_both_name_it(tmp_path: Path) -> None:
    config = changed(tmp_path, "prompts/zh.yaml", "撤消编号{order|tail}的挂盘", "撤消挂盘", CONFIG)
    assert {(f.rule, f.file) for f in findings_of(config)} == {
        ("read-back", "flows/fx_cancel.yaml")
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("must_read_back: [biller, number, amount, fee]", "must_read_back: [number, amount, fee]"),
        ("must_read_back: [biller, number, amount, fee]", "must_read_back: [biller, number, fee]"),
        ("must_read_back: [order, amount, fee]", "must_read_back: [amount, fee]"),
    ],
)
def test_a_contract_reads_back_all_that_its_guard_names(old: str, new: str, tmp_path: Path) -> None:
    file = changed(tmp_path, SERVICES, old, new, CONFIG) / SERVICES
    with pytest.raises(ContractError, match="`must_read_back` leaves out '"):
        load_contracts(file)


def test_an_answer_that_may_be_missing_cannot_be_read_back(tmp_path: Path) -> None:
    old, new = "gets: money, rate: rate, fee: money", "gets: money?, rate: rate, fee: money"
    file = changed(tmp_path, SERVICES, old, new, CONFIG) / SERVICES
    with pytest.raises(ContractError, match="'gets' may be left out"):
        load_contracts(file)
