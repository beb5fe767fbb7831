"""The shipped menus: a confirm says who or what is paid, in the reads and in both texts."""

import re
import shutil
from pathlib import Path

import pytest

from support.flow_bank import changed, findings_of, line_of
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


ANOTHER = """
  other:
    {kind: collect, say: tr.payee, into: payee, digits: {min: 16, max: 19, end: "#"}, next: %s}
"""
"""A payee collected after what was answered about the one before."""


def collects_another(config: Path, flow: str, old: str, new: str, back_to: str) -> None:
    """Lead `old` to another payee first, who then goes on to `back_to`."""
    path = config / "flows" / f"{flow}.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new) + ANOTHER % back_to, encoding="utf-8")


def shipped(folder: Path) -> Path:
    config = folder / "config"
    shutil.copytree(CONFIG, config)
    return config


def test_what_an_entered_flow_gave_is_about_what_that_flow_reads(tmp_path: Path) -> None:
    """payee_add asks through order_check, then takes another payee, and reads back the first."""
    config = shipped(tmp_path)
    path = config / "flows" / "payee_add.yaml"
    asks = path.read_text(encoding="utf-8").split("  check:")[1].split("  prove:")[0]
    entered = (
        " {kind: enter, flow: order_check, then: {ok: other, bad_payee: bad_payee, down: down}}"
    )
    collects_another(config, "payee_add", asks, f"{entered}\n", "prove")
    assert [(f.rule, f.file, f.problem) for f in findings_of(config)] == [
        (
            "money-quote",
            "flows/payee_add.yaml",
            "confirm: some way leads to it with a payee_masked that answered something else",
        )
    ]


QUOTED = {f"flows/order_make.yaml {node}" for node in ("once", "week", "month")}
LATER = {f"{node}_later" for node in QUOTED}
"""Where order_make enters what reads back a payee: with the fee of a quote, and without one."""


def stale(config: Path) -> set[str]:
    found = findings_of(config)
    assert {f.rule for f in found} <= {"money-quote"}
    return {f"{f.file} {f.problem.split(':')[0]}" for f in found}


def test_what_a_flow_needs_and_reads_back_fits_where_it_is_entered(tmp_path: Path) -> None:
    config = shipped(tmp_path)
    fee = "fee: {kind: say, say: ord.fee, next: "
    collects_another(config, "order_make", f"{fee}first}}", f"{fee}other}}", "first")
    assert stale(config) == QUOTED


def test_a_flow_gives_nothing_that_no_longer_fits_within_it(tmp_path: Path) -> None:
    config = shipped(tmp_path)
    fee = "fee_later: {kind: say, say: ord.fee_later, next: "
    collects_another(config, "order_check", f"{fee}ok}}", f"{fee}other}}", "ok")
    assert stale(config) == LATER


STEERING = {
    "payee.limit": ["amount"],
    "ceiling.set": ["amount"],
    "order.change": ["amount"],
    "order.make": ["amount", "fee"],
    "corp.propose": ["amount", "fee", "interest", "kind", "payee_masked", "sub"],
}
"""Changes of state that have to do with money, and what must be read back of them at least."""


def test_what_steers_money_is_read_back(tmp_path: Path) -> None:
    config = shipped(tmp_path)
    path = config / SERVICES
    text = path.read_text(encoding="utf-8")
    for service in STEERING:
        entry = re.compile(rf"(\n  {re.escape(service)}:\n(?:    .*\n)*?)    must_read_back:.*\n")
        text, changes = entry.subn(r"\1", text)
        assert changes == 1, service
    path.write_text(text, encoding="utf-8")
    assert [(f.rule, f.file, f.line, f.problem) for f in findings_of(config)] == [
        (
            "money-terms",
            SERVICES,
            line_of(config, SERVICES, f"  {service}:"),
            f"{service}: nobody must read back {', '.join(terms)}",
        )
        for service, terms in sorted(STEERING.items(), key=lambda item: text.index(f"  {item[0]}:"))
    ]


CONFIRMED = {
    "payees": ("amount",),
    "ceiling": ("amount",),
    "orders": ("amount",),
    "card_block_days": ("hold_days",),
    "card_unblock": ("card",),
    "corp_propose": ("sub", "fee"),
    "corp_approve": ("sub", "interest"),
}
"""What the confirms of each flow must say before a state changes or a company pays."""


def test_changes_of_state_are_confirmed_with_their_terms(tmp_path: Path) -> None:
    config = shipped(tmp_path)
    for flow, terms in CONFIRMED.items():
        path = config / "flows" / f"{flow}.yaml"
        left_out = re.compile("|".join(rf"\b{t}, |, {t}\b|(?<=\[){t}(?=\])" for t in terms))
        text = path.read_text(encoding="utf-8")
        for reads in set(re.findall(r"reads: \[.*?\]", text)):
            text = text.replace(reads, left_out.sub("", reads))
        path.write_text(text, encoding="utf-8")
    told = {(f.file, f.problem.split("read back ")[1].split(",")[0]) for f in findings_of(config)}
    assert told == {(f"flows/{flow}.yaml", t) for flow, terms in CONFIRMED.items() for t in terms}


ORDERS = {
    "order_place": {"fee"},
    "order_place_until": {"fee", "last"},
    "order_place_once": {"fee"},
    "order_later_until": {"last"},
}
"""What of what an order may lack each flow's confirm must say, as the order has it there."""


@pytest.mark.parametrize("flow", ORDERS)
def test_the_fee_and_the_last_date_of_an_order_are_read_back_where_it_has_them(
    flow: str, tmp_path: Path
) -> None:
    config = shipped(tmp_path)
    path = config / "flows" / f"{flow}.yaml"
    before, after = path.read_text(encoding="utf-8").split("    reads: ")
    reads, end = after.split("]\n", 1)
    reads = re.sub(r", (fee|last)(?=,|$)", "", reads)
    path.write_text(f"{before}    reads: {reads}]\n{end}", encoding="utf-8")
    assert {(f.rule, f.problem.split(",")[0]) for f in findings_of(config)} == {
        ("money-read-back", f"confirm: does not read back {term}") for term in ORDERS[flow]
    }


def test_the_confirm_says_the_fee_and_the_last_date(tmp_path: Path) -> None:
    file = "flows/order_place_until.yaml"
    config = changed(tmp_path, file, "ord.fee, ord.ends, ", "", CONFIG)
    said = [f.problem for f in findings_of(config) if f.rule == "read-back"]
    assert said == [
        f"confirm: its text in {language} does not read back {term}"
        for language, term in (("en", "fee"), ("en", "last"), ("zh", "fee"), ("zh", "last"))
    ]


@pytest.mark.parametrize(
    ("flow", "old", "new", "where"),
    [
        ("order_place_once", ", fee: $fee}", "}", {"order_place_once: make: leaves out fee"}),
        ("order_place_until", ", last: $last", "", {"order_place_until: make: leaves out last"}),
        (
            "order_make",
            "say: ord.fee, next: first}",
            "say: ord.fee, next: first_later}",
            {f"order_make: {node}_later: leaves out fee" for node in ("once", "week", "month")},
        ),
    ],
    ids=["not passed", "not passed on", "another way"],
)
def test_an_order_leaves_out_nothing_that_the_caller_was_told_or_gave(
    flow: str, old: str, new: str, where: set[str], tmp_path: Path
) -> None:
    config = changed(tmp_path, f"flows/{flow}.yaml", old, new, CONFIG)
    found = [f for f in findings_of(config) if f.rule == "money-read-back"]
    told = {f"{Path(f.file).stem}: {f.problem.split(',')[0]}" for f in found}
    assert told == where
