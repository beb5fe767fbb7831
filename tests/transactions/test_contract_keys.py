"""What a contract may not say: each rule of the newer keys, with the case that breaks it."""

import re
from pathlib import Path

import pytest

from transactions.contract import ContractError, load_contracts

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "services.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")


def with_change(tmp_path: Path, service: str, old: str, new: str) -> Path:
    """The shipped contracts with one line of one service changed."""
    start = TEXT.index(f"\n  {service}:\n")
    end = re.compile(r"\n  [a-z#]").search(TEXT, start + 5)
    assert end is not None
    block = TEXT[start : end.start()]
    assert block.count(old) == 1, block
    file = tmp_path / "services.yaml"
    changed = TEXT[:start] + block.replace(old, new) + TEXT[end.start() :]
    file.write_text(changed, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("service", "old", "new", "why"),
    [
        ("pin.change", "auth: none", "auth: secret", "none, code, pin or second_factor"),
        ("order.make", "recovery: none", "recovery: repeat", "with recovery none"),
        ("payee.remove", "no_payee, unavailable", "no_payee", "needs the outcome `unavailable`"),
        ("pin.verify", "customer: card", "telephone: x", "unknown key"),
        ("pin.verify", "grants: pin", "grants: pin\n    grants_on: [fine]", "`grants_on` names"),
        ("pin.verify", "right_on: [first_use]", "right_on: [first]", "`right_on` names an exit"),
        ("pin.change", "counts_with: pin.verify", "counts_with: pin.tell", "counts for itself"),
        ("pin.change", "counts_with: pin.verify", "counts_with: pin.enrol", "counts for itself"),
        ("pin.change", "attempts: 3", "attempts: 5", "with as many `attempts`"),
        ("pin.unlock", "lifts: pin.verify", "lifts: pin.change", "counts `attempts` for itself"),
        ("pin.unlock", "lifts: pin.verify", "lifts: pin.lock", "counts `attempts` for itself"),
        ("pin.unlock", "auth: code", "auth: none", "with `auth` and `customer`"),
        ("pin.unlock", "    attempts: 1\n", "", "how often in a day"),
        ("transfer.quote", "repeated, prove, un", "repeated, un", "`out_on` names an exit"),
        ("transfer.quote", "out_on: [ok, repeated, prove]", "out_on: [ok]", "gives its outputs"),
        ("order.make", "too_many, prove", "too_many", "needs the outcome `prove` of order.make"),
        ("order.make", "last: date?", "last: date?\n      most: money", "exactly one amount"),
        ("card.balance", "auth: pin", "auth: pin\n    second_factor_above: x", "of money or state"),
        ("customer.mobile", "mobile: digits", "mobile: card_no", "only source own gives a card_no"),
        ("factor.kind", "factor: word", "factor: secret", "no service gives a secret"),
        ("corp.pay", "approved_by: approval", "approved_by: quote", "an input of digits, of money"),
        ("corp.pay", "auth: pin", "auth: none", "needs `auth` and `customer`"),
        (
            "corp.pay_quote",
            "interest: money",
            "maker: digits, interest: money",
            "from the proposal",
        ),
        ("corp.propose", "proposes: corp.pay", "proposes: bill.pay", "that is `approved_by`"),
        ("corp.propose", "      kind: word\n", "      kind: text\n", "must take 'kind' (word)"),
        ("corp.propose", "fee: money", "fee: rate", "must take 'fee' (money)"),
        ("corp.propose", "to: digits?", "to: digits", "may be left out in corp.pay_quote"),
        ("corp.propose", "operator: digits", "operator: text", "must take 'operator' (digits)"),
        ("bill.pay", "limits: [bill_daily]", "limits: []\n    limit_by: {x: [card]}", "names 'x'"),
        ("corp.pay", "[company]", "[colour]", "names terms of it or of its quote"),
        ("corp.pay", "[company]", "company", "must be a list of words"),
        ("corp.pay", "{corporate_daily: [company]}", "[company]", "maps a limit to the terms"),
        ("corp.pay", "{company: [corp.rights]}", "{}", "needs `told_by` of 'company'"),
        ("corp.pay", "{company: [corp.rights]}", "[company]", "maps a term to the services"),
        (
            "code.send",
            "[customer.identify, customer.mobile, pin.locked]",
            "[factor.kind]",
            "of the host",
        ),
        (
            "code.send",
            "[customer.identify, customer.mobile, pin.locked]",
            "[card.balance]",
            "not tell it",
        ),
        ("code.send", "{mobile: [customer.identify, ", "{tail: [", "has its words in `told_as`"),
        ("corp.propose", "told_as: {may: [make, both]}", "told_as: {}", "words in `told_as`"),
        ("corp.propose", "told_as: {may:", "told_as: {company:", "has its words in `told_as`"),
        ("corp.pay", "amount: amount}", "amount: [amount]}", "payer: [terms], payee: [terms]"),
        ("corp.pay", "payee: [kind, to, bank]", "payee: []", "payer and payee name terms"),
        ("corp.pay", "[kind, to, bank]", "[kind, sub]", "none of them twice"),
        ("corp.pay", "[kind, to, bank]", "[colour]", "'colour' is no input or output"),
        ("corp.pay", "payee_masked, amount, interest", "interest", "the amount and a text"),
        ("payee.add", "[payee_masked]", "[payee_name]", "'payee_name' is no input or output"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(
    tmp_path: Path, service: str, old: str, new: str, why: str
) -> None:
    with pytest.raises(ContractError, match=re.escape(why)) as error:
        load_contracts(with_change(tmp_path, service, old, new))
    assert "services.yaml:" in str(error.value)


def test_a_grant_has_somebody_to_whom_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="`grants` needs `customer`"):
        load_contracts(with_change(tmp_path, "token.verify", "    customer: card\n", ""))


@pytest.mark.parametrize("out", ["{ref: digits}", "{ref: digits?}"])
def test_what_a_state_service_reads_back_is_an_input(out: str, tmp_path: Path) -> None:
    """order.make reads back a fee and a last date where it has them; an answer comes too late."""
    file = with_change(tmp_path, "order.make", "{order: digits}", out)
    text = file.read_text(encoding="utf-8")
    assert load_contracts(file)["order.make"].must_read_back[-2:] == ("fee", "last")
    file.write_text(text.replace("every, fee, last]", "every, ref]"), encoding="utf-8")
    with pytest.raises(ContractError, match="'ref'"):
        load_contracts(file)


def test_money_rests_on_nothing_that_may_be_left_out(tmp_path: Path) -> None:
    """An input of its own that may be missing is no term of its quote."""
    file = with_change(
        tmp_path, "transfer.card_to_card", "{quote: text}", "{quote: text, on: date?}"
    )
    text = file.read_text(encoding="utf-8")
    load_contracts(file)
    old = "must_read_back: [payee_masked, amount, fee]"
    file.write_text(text.replace(old, f"{old[:-1]}, on]"), encoding="utf-8")
    with pytest.raises(ContractError, match="'on' may be left out"):
        load_contracts(file)
