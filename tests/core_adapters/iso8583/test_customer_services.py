"""Services of customers and companies as messages: what goes, what comes back, in both variants."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from core_adapters.hsm.kinds import PinFormat
from core_adapters.iso8583.build import Builder, Stamp
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.iso8583.replies import judge
from core_adapters.terms import handles, optional_terms, terms_of
from support.iso8583_kit import BANK_MODULE, CARD, MODULE, NAMES, PAYEE, TB87, contracts, tb87
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Value, Values
from transactions.request import HostMessage, Request
from transactions.secret import Secret

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PIN = "640281957306"
TEN = Money.parse("10.00")
PAYING: Values = {
    "card": CARD,
    "sub": "0001",
    "kind": "remote",
    "to": "88001234567890123456",
    "bank": "102653000011",
    "amount": Money.parse("200000.00"),
}
PAID: Values = {
    **PAYING,
    "payee_masked": "北*司",
    "interest": Money.parse("1.50"),
    "fee": Money.parse("50.00"),
    "quote": "C1",
    "approval": "100001",
    "company": "7001",
    "maker": "02",
}


def profile_of(name: str) -> Profile:
    return tb87() if name == "tb87" else load_profile(TB87.parent / f"{name}.yaml")


def built(name: str, service: str, inputs: Values) -> tuple[Codec, Message]:
    """The message as the bank has it after a way over the wire."""
    profile = profile_of(name)
    codec, names = Codec(profile), replace(NAMES)
    options = Iso8583Options(addresses=("127.0.0.1:1",), terminal="TEL00001", acquirer="12345")
    builder = Builder(codec, options, MODULE, names.pin, None, optional=optional_terms(contracts()))
    asked = Request("r1", service, 1, inputs, "customer", call="c1", created_at=AT)
    stamp = Stamp.fresh("000001", AT, options, "010000000001")
    made = builder.request(profile.services[service], asked, stamp, profile.services[service].mti)
    mac = ModuleMac(MODULE, names.mac) if name == "tb87" else None
    return codec, codec.decode(codec.encode(made, mac))


def texts(codec: Codec, message: Message) -> dict[str, str]:
    """What is particular to the service: fields and subfields that `common` has not."""
    found: dict[str, str] = {}
    for number, text in message.fields.items():
        if number in codec.profile.common or number in (2, 64, 128):
            continue
        if codec.profile.fields[number].tags:
            parts = codec.subfields(message, number)
            found.update({f"{number}.{part}": value for part, value in parts.items()})
        else:
            found[str(number)] = text.strip()
    return found


SENT: list[tuple[str, Values, str, dict[str, str]]] = [
    (
        "customer.identify",
        {"card": CARD, "identity": "1X"},
        "0200",
        {"3": "300100", "48.identity": "1X"},
    ),
    ("customer.mobile", {"card": CARD}, "0200", {"3": "300200"}),
    ("customer.mail", {"card": CARD}, "0200", {"3": "300600"}),
    ("payee.check", {"card": CARD, "payee": PAYEE}, "0200", {"3": "300300", "103": PAYEE.digits}),
    (
        "cheque.status",
        {"card": CARD, "cheque": "000017"},
        "0200",
        {"3": "300400", "48.cheque": "000017", "49": "156"},
    ),
    (
        "cheque.stop",
        {"card": CARD, "first": "000017", "last": "000019"},
        "0302",
        {"3": "610100", "48.first": "000017", "48.last": "000019", "91": "1", "101": "CHEQUE"},
    ),
    (
        "cheque.order",
        {"card": CARD, "leaves": "l25"},
        "0302",
        {"3": "610200", "48.leaves": "l25", "91": "1", "101": "CHEQUE"},
    ),
    (
        "card.activate",
        {"card": CARD, "identity": "4021"},
        "0302",
        {"3": "620100", "48.identity": "4021", "91": "2", "101": "CARD"},
    ),
    (
        "card.block",
        {"card": CARD, "days": 14},
        "0302",
        {"3": "620200", "48.days": "14", "91": "2", "101": "CARD"},
    ),
    ("card.unblock", {"card": CARD}, "0302", {"3": "620300", "91": "2", "101": "CARD"}),
    (
        "account.name",
        {"card": CARD, "sub": "0003", "name": "wages"},
        "0302",
        {"3": "630100", "48.sub": "0003", "48.account_name": "wages", "91": "2", "101": "ACCOUNT"},
    ),
    (
        "pin.locked",
        {"card": CARD, "identity": "4021"},
        "0200",
        {"3": "300700", "48.identity": "4021"},
    ),
    (
        "pin.unlock",
        {"card": CARD, "identity": "4021"},
        "0600",
        {"3": "940000", "48.identity": "4021"},
    ),
    ("corp.rights", {"card": CARD}, "0200", {"3": "300500", "49": "156"}),
    (
        "corp.pay_quote",
        PAYING,
        "0200",
        {
            "3": "320900",
            "4": "000020000000",
            "48.sub": "0001",
            "48.kind": "remote",
            "48.bank_code": "102653000011",
            "49": "156",
            "103": "88001234567890123456",
        },
    ),
    (
        "corp.pay_quote",
        {"card": CARD, "sub": "0001", "kind": "repay", "amount": TEN},
        "0200",
        {"3": "320900", "4": "000000001000", "48.sub": "0001", "48.kind": "repay", "49": "156"},
    ),
    (
        "corp.pay",
        PAID,
        "0200",
        {
            "3": "511000",
            "4": "000020000000",
            "28": "D00005000",
            "48.sub": "0001",
            "48.kind": "remote",
            "48.bank_code": "102653000011",
            "48.interest": "150",
            "48.company": "7001",
            "48.maker": "02",
            "49": "156",
            "61.quote": "C1",
            "103": "88001234567890123456",
        },
    ),
]


@pytest.mark.parametrize("variant", ["tb87", "tb87-bcd"])
@pytest.mark.parametrize(("service", "inputs", "mti", "particular"), SENT)
def test_a_request_has_these_fields(
    variant: str, service: str, inputs: Values, mti: str, particular: Mapping[str, str]
) -> None:
    codec, message = built(variant, service, inputs)
    assert message.mti == mti
    assert message.get(2) == CARD.digits
    assert texts(codec, message) == particular


def test_every_hosted_service_of_this_family_is_tried_here() -> None:
    family = (
        "customer.",
        "payee.",
        "cheque.",
        "account.",
        "card.a",
        "card.b",
        "card.u",
        "pin.locked",
        "pin.unlock",
    )
    hosted = {n for n, s in contracts().services.items() if s.source == "host"}
    named = {n for n in hosted if n.startswith((*family, "corp.pay", "corp.rights"))}
    assert named - {"card.balance", "card.unposted"} == {service for service, *_ in SENT}


def test_enrolment_carries_the_new_pin_alone_as_a_block_that_opens() -> None:
    inputs: Values = {"card": CARD, "identity": "4021", "new_pin": Secret(PIN)}
    codec, message = built("tb87", "pin.enrol", inputs)
    assert (message.mti, message.get(3), message.get(22)) == ("0600", "930000", "012")
    assert message.get(52) is None
    block = codec.subfields(message, 48)["new_pin_block"]
    opened = BANK_MODULE.open_pin(NAMES.pin, bytes.fromhex(block), CARD, PinFormat.ISO_0)
    assert opened.reveal() == PIN
    described = codec.describe(message)
    assert PIN not in described + repr(message)
    assert block not in described
    assert "4021" not in described


def test_a_reversal_of_a_payment_keeps_who_pays_and_what_but_not_who_proposed() -> None:
    codec = Codec(tb87())
    options = Iso8583Options(addresses=("127.0.0.1:1",), terminal="TEL00001", acquirer="12345")
    builder = Builder(codec, options, MODULE, NAMES.pin, None, optional=optional_terms(contracts()))
    asked = Request("r1", "corp.pay", 1, PAID, "customer", created_at=AT)
    keys = ("000001", "1122040000", "12345", "TEL00001", "010000000001", "a", AT)
    sent = HostMessage("r1", "request", 0, "0200", *keys)
    made = builder.reversal(tb87().services["corp.pay"], asked, sent, Stamp.of(sent), "time_out")
    assert (made.get(4), made.get(103)) == ("000020000000", "88001234567890123456")
    assert made.get(48) is None


# -- replies ---------------------------------------------------------------------------------------


def judged(service: str, code: str = "00", **fields: Mapping[str, str] | str) -> Outcome:
    codec = Codec(tb87())
    given: dict[int, str] = {39: code, 37: "010000000001", 12: "120000"}
    for name, value in fields.items():
        number = int(name.removeprefix("f"))
        given[number] = value if isinstance(value, str) else codec.join(number, value)
    contract = contracts()[service]
    row = tb87().services[service]
    reply = Message(reply_mti(row.mti), given)
    known = handles(contract, contracts())
    return judge(codec, row, contract, "156", reply, known).outcome


TOLD: list[tuple[str, dict[str, Any], dict[str, Value]]] = [
    ("customer.identify", {"f48": {"mobile": "13800138000"}}, {"mobile": "13800138000"}),
    ("customer.mobile", {"f48": {"mobile": "13800138000"}}, {"mobile": "13800138000"}),
    ("customer.mail", {"f48": {"mail": "lin@example.com"}}, {"mail": "lin@example.com"}),
    ("payee.check", {"f48": {"payee_masked": "*三"}}, {"payee_masked": "*三"}),
    (
        "cheque.status",
        {"f48": {"state": "paid", "on": "20261120", "principal": "1000"}},
        {"state": "paid", "on": date(2026, 11, 20), "amount": TEN},
    ),
    ("cheque.stop", {"f48": {"count": "3"}}, {"count": 3, "ref": "010000000001"}),
    ("cheque.order", {"f48": {"ready": "20261129"}}, {"ready": date(2026, 11, 29)}),
    ("card.activate", {}, {}),
    ("card.block", {"f48": {"until": "20261206"}}, {"until": date(2026, 12, 6)}),
    ("card.unblock", {}, {}),
    ("account.name", {}, {}),
    ("pin.enrol", {}, {}),
    ("pin.locked", {"f48": {"mobile": "13800138000"}}, {"mobile": "13800138000"}),
    ("pin.unlock", {}, {}),
    (
        "corp.rights",
        {"f48": {"company": "7001", "operator": "02", "may": "both", "most": "50000000"}},
        {"company": "7001", "operator": "02", "may": "both", "most": Money.parse("500000.00")},
    ),
    (
        "corp.pay_quote",
        {"f48": {"payee_masked": "北*司", "interest": "0", "fee": "5000"}, "f61": {"quote": "C1"}},
        {
            "payee_masked": "北*司",
            "interest": Money.parse("0"),
            "fee": Money.parse("50.00"),
            "quote": "C1",
        },
    ),
    (
        "corp.pay",
        {"f54": "1002156C000009950000"},
        {"ref": "010000000001", "available": Money.parse("99500.00")},
    ),
]


@pytest.mark.parametrize(("service", "fields", "data"), TOLD)
def test_an_approval_gives_what_the_contract_says(
    service: str, fields: dict[str, Any], data: dict[str, Value]
) -> None:
    outcome = judged(service, **fields)
    assert isinstance(outcome, Approved), outcome
    assert outcome.data == data


@pytest.mark.parametrize(
    ("service", "code", "exit_name"),
    [
        ("pin.verify", "57", "first_use"),
        ("pin.verify", "55", "wrong_pin"),
        ("pin.enrol", "25", "not_matched"),
        ("pin.enrol", "57", "weak_pin"),
        ("pin.locked", "25", "not_matched"),
        ("pin.locked", "24", "none"),
        ("pin.locked", "38", "branch"),
        ("pin.locked", "57", "not_open"),
        ("pin.unlock", "25", "not_matched"),
        ("pin.unlock", "38", "branch"),
        ("pin.unlock", "57", "refused"),
        ("customer.identify", "25", "not_matched"),
        ("customer.identify", "26", "enrolled"),
        ("customer.identify", "14", "bad_card"),
        ("customer.identify", "75", "locked"),
        ("customer.mobile", "25", "none"),
        ("customer.mail", "25", "none"),
        ("payee.check", "15", "bad_payee"),
        ("payee.check", "25", "bad_payee"),
        ("cheque.status", "25", "no_cheque"),
        ("cheque.status", "52", "no_account"),
        ("cheque.stop", "25", "no_cheque"),
        ("cheque.stop", "57", "paid"),
        ("cheque.order", "65", "too_many"),
        ("cheque.order", "52", "no_account"),
        ("card.activate", "25", "not_matched"),
        ("card.activate", "26", "already"),
        ("card.block", "26", "already"),
        ("card.unblock", "25", "not_blocked"),
        ("account.name", "52", "no_account"),
        ("account.name", "05", "refused"),
        ("corp.rights", "57", "not_permitted"),
        ("corp.pay_quote", "51", "insufficient"),
        ("corp.pay_quote", "61", "over_limit"),
        ("corp.pay_quote", "13", "bad_amount"),
        ("corp.pay_quote", "15", "bad_payee"),
        ("corp.pay_quote", "52", "no_account"),
        ("corp.pay_quote", "57", "not_permitted"),
        ("corp.pay", "57", "refused"),
    ],
)
def test_a_code_takes_the_exit_of_its_service(service: str, code: str, exit_name: str) -> None:
    outcome = judged(service, code)
    assert isinstance(outcome, Declined)
    assert contracts()[service].exit_for(outcome) == exit_name


def test_a_list_of_deposits_has_the_names_that_their_owner_gave() -> None:
    inner = "".join(
        f"{tag}{len(text):03d}{text}"
        for tag, text in (
            ("06", "0003"),
            ("07", "savings"),
            ("04", "156C000000860000"),
            ("08", "20020"),
            ("15", "wages"),
        )
    )
    outcome = judged("deposit.list", f120=f"01{len(inner):03d}{inner}")
    assert isinstance(outcome, Approved)
    rows: Any = outcome.data["items"]
    assert rows[0]["name"] == "wages"


def test_a_proposal_adds_its_two_terms_to_what_the_host_may_be_told() -> None:
    terms = terms_of("corp.pay", contracts())
    assert (terms["company"], terms["maker"]) == ("digits", "digits")
    assert not {"company", "maker"} & set(terms_of("bill.pay", contracts()))
