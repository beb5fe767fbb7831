"""Lists in a reply: rows read or refused as a whole, shown one by one; what may be left out."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_adapters.iso8583.build import Builder, Stamp
from core_adapters.iso8583.checks import check_services
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.lists import money_of
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.iso8583.replies import judge
from core_adapters.iso8583.values import rate_text, typed
from core_adapters.profiles.errors import ProfileError
from core_adapters.terms import handles, optional_terms
from support.iso8583_kit import CARD, MAC, MODULE, NAMES, TB87, codec, contracts, tb87
from transactions.contract import Contracts, load_contracts
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value
from transactions.request import HostMessage, Request

CNY = currency("CNY")
RECENT = {"on": "20261120", "at": "093005", "what": "salary", "amount": "156C000000860000"}
PAID = {"on": "20261121", "what": "payment", "amount": "156D000000008640"}


def field_120(*rows: Mapping[str, str]) -> str:
    """Rows by a writer that knows nothing of the code under test."""
    tags = {"on": 1, "at": 2, "what": 3, "amount": 4, "balance": 5, "sub": 6, "kind": 7, "rate": 8}
    tags["name"] = 15
    text = ""
    for number, row in enumerate(rows, 1):
        inner = "".join(
            f"{tags[name]:02d}{len(cell.encode()):03d}{cell}" for name, cell in row.items()
        )
        text += f"{number:02d}{len(inner.encode()):03d}{inner}"
    return text


def judged(service: str, fields: Mapping[int, str]) -> Outcome:
    reply = Message("0210", {39: "00", 37: "010000000001", **fields})
    contract = contracts()[service]
    known = handles(contract, contracts())
    found = judge(codec(), tb87().services[service], contract, "156", reply, known)
    return found.outcome


def recent(*rows: Mapping[str, str], cursor: str = "") -> Outcome:
    paging = {62: codec().join(62, {"cursor": cursor})} if cursor else {}
    return judged("card.recent", {120: field_120(*rows), **paging})


# -- read ----------------------------------------------------------------------------------------


def test_rows_come_in_order_with_their_kinds() -> None:
    outcome = recent(RECENT, {**PAID, "balance": "156C000001268050"})
    assert isinstance(outcome, Approved)
    assert outcome.data == {
        "items": (
            {
                "on": date(2026, 11, 20),
                "at": time(9, 30, 5),
                "what": "salary",
                "amount": Money(860_000, CNY),
            },
            {
                "on": date(2026, 11, 21),
                "what": "payment",
                "amount": Money(-8_640, CNY),
                "balance": Money(1_268_050, CNY),
            },
        )
    }
    assert contracts()["card.recent"].exit_for(outcome) == "last"


def test_a_cursor_is_kept_whatever_it_looks_like() -> None:
    outcome = recent(RECENT, cursor="6227001234567899")
    assert isinstance(outcome, Approved)
    assert outcome.data["cursor"] == "6227001234567899"
    assert contracts()["card.recent"].exit_for(outcome) == "ok"


def test_no_field_is_no_rows() -> None:
    outcome = judged("card.recent", {})
    assert isinstance(outcome, Approved)
    assert outcome.data == {"items": ()}
    assert contracts()["card.recent"].exit_for(outcome) == "none"


def test_nothing_found_is_the_same_in_a_code() -> None:
    reply = Message("0210", {39: "25"})
    service = "card.recent"
    found = judge(codec(), tb87().services[service], contracts()[service], "156", reply)
    assert found.outcome == Declined("none")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"on": "20261131"},
        {"on": "1120"},
        {"on": ""},
        {"at": "240000"},
        {"what": "Salary"},
        {"what": ""},
        {"what": "a" * 25},
        {"amount": "860000"},
        {"amount": "156X000000860000"},
        {"amount": "000C000000860000"},
        {"amount": "156C00000086000"},
        {"amount": "１５６C000000860000"},
        {"balance": "much"},
    ],
    ids=str,
)
def test_one_bad_cell_is_no_answer(spoilt: Mapping[str, str]) -> None:
    assert recent(RECENT, {**RECENT, **spoilt}) == Unknown("incomplete")


@pytest.mark.parametrize("missing", ["on", "what", "amount"])
def test_a_row_without_what_it_must_have_is_no_answer(missing: str) -> None:
    row = {name: cell for name, cell in RECENT.items() if name != missing}
    assert recent(row) == Unknown("incomplete")


def test_rows_out_of_order_or_malformed_are_no_answer() -> None:
    one, two = field_120(RECENT), field_120(RECENT, PAID)
    swapped = two[len(one) :] + one
    for text in (two[len(one) :], swapped, "99" + one[2:], one[:-1], "01003abc", "01000", one * 2):
        assert judged("card.recent", {120: text}) == Unknown("incomplete")


def test_more_rows_than_the_contract_takes_are_no_answer() -> None:
    row = {"sub": "0001", "kind": "time", "amount": "156C000000010000", "rate": "2150"}
    row["name"] = "time"
    assert isinstance(judged("deposit.list", {120: field_120(*[row] * 5)}), Approved)
    assert judged("deposit.list", {120: field_120(*[row] * 6)}) == Unknown("incomplete")


def test_columns_that_the_profile_does_not_know_are_left_alone() -> None:
    text = field_120(RECENT)
    size = len(text) - 5 + 8
    longer = f"01{size:03d}{text[5:]}99003abc"
    assert judged("card.recent", {120: longer}) == recent(RECENT)


@settings(deadline=None)  # the first one reads profile and contracts
@given(
    st.lists(
        st.tuples(
            st.dates(date(2000, 1, 1), date(2099, 12, 31)),
            st.from_regex(r"[a-z][a-z0-9_]{0,23}", fullmatch=True),
            st.integers(-(10**12) + 1, 10**12 - 1),
        ),
        max_size=5,
    )
)
def test_what_a_host_writes_is_read(rows: list[tuple[date, str, int]]) -> None:
    cells = [
        {
            "on": f"{on:%Y%m%d}",
            "what": what,
            "amount": f"156{'D' if minor < 0 else 'C'}{abs(minor):012d}",
        }
        for on, what, minor in rows
    ]
    wire = codec().encode(Message("0210", {11: "000001", 39: "00", 120: field_120(*cells)}), MAC)
    text = codec().decode(wire).fields[120]
    outcome = judged("card.recent", {120: text} if text else {})
    assert isinstance(outcome, Approved)
    assert outcome.data["items"] == tuple(
        {"on": on, "what": what, "amount": Money(minor, CNY)} for on, what, minor in rows
    )


@given(st.decimals(0, 10_000, allow_nan=False, allow_infinity=False, places=4))
def test_a_rate_survives(rate: Decimal) -> None:
    assert typed(rate_text(rate), "rate") == rate


@pytest.mark.parametrize(
    ("rate", "text"), [("3.85", "2385"), ("0.35", "235"), ("5", "05"), ("0", "00")]
)
def test_rates_as_in_fields_9_and_10(rate: str, text: str) -> None:
    assert rate_text(Decimal(rate)) == text
    assert typed("2035", "rate") == Decimal("0.35")


@pytest.mark.parametrize("rate", ["-1", "NaN", "0.1234567891"])
def test_a_rate_that_no_field_holds(rate: str) -> None:
    with pytest.raises(EncodeError):
        rate_text(Decimal(rate))


def test_money_of_any_currency() -> None:
    assert money_of("392C000000001234") == Money(1234, currency("JPY"))
    assert money_of("999C000000001234") is None


# -- shown ---------------------------------------------------------------------------------------


def test_a_message_is_shown_row_by_row() -> None:
    shown = [str(line) for line in codec().view(Message("0210", {120: field_120(RECENT, PAID)}))]
    assert len(shown) == 2
    assert shown[0].split() == [
        *("120.01", "Record", "data,", "row", "1"),
        *("on=20261120", "at=093005", "what=salary", "amount=•••", "(16)"),
    ]
    assert "860000" not in "".join(shown)
    assert "8640" not in "".join(shown)


def test_an_unknown_column_and_a_bad_field_are_shown_masked() -> None:
    card = "6227009000000013"
    view = codec().view(Message("0210", {120: f"0102199016{card}"}))
    assert [line.text for line in view] == ["unknown tag=••• (16)"]
    view = codec().view(Message("0210", {120: card}))
    assert card not in view[0].text
    view = codec().view(Message("0210", {120: f"0102103016{card}"}))
    assert view[0].text == "what=622700******0013"


# -- left out --------------------------------------------------------------------------------------


def built(service: str, inputs: Mapping[str, Value], every: Contracts | None = None) -> Message:
    used = every or contracts()
    options = Iso8583Options()
    builder = Builder(codec(), options, MODULE, NAMES.pin, None, optional=optional_terms(used))
    request = Request("r1", service, 1, inputs, "customer")
    stamp = Stamp.fresh("000001", datetime(2026, 11, 22, tzinfo=UTC), options, "1")
    return builder.request(tb87().services[service], request, stamp, "0200")


def test_what_is_not_given_is_not_sent() -> None:
    first = built("card.recent", {"card": CARD})
    assert (first.fields[48], first.get(62)) == ("11006recent", None)
    assert built("card.recent", {"card": CARD, "cursor": "5"}).fields[62] == "010015"
    closing = built("deposit.draw_quote", {"card": CARD, "sub": "0003"})
    assert (closing.get(4), closing.fields[49], closing.fields[48]) == (None, "156", "180040003")
    part = built("deposit.draw_quote", {"card": CARD, "sub": "0003", "part": Money(5000, CNY)})
    assert part.fields[4] == "000000005000"


def test_without_a_card_there_is_no_field_2() -> None:
    message = built("info.branches", {"area": "880001"})
    assert 2 not in message.fields
    assert message.fields[48] == "26008branches28006880001"


def test_dates_and_words_in_subfields() -> None:
    inputs = {"card": CARD, "biller": "water", "number": "8800000004", "month": date(2026, 10, 1)}
    assert built("bill.breakdown", inputs).fields[48] == "06005water0701088000000042500820261001"
    whole = {name: value for name, value in inputs.items() if name != "month"}
    assert built("bill.enquiry", whole).fields[48] == "06005water070108800000004"
    with pytest.raises(EncodeError, match="'month' is missing"):
        built("bill.breakdown", whole)


def test_what_a_quote_may_lack_its_posting_may_lack_and_its_reversal() -> None:
    terms: dict[str, Value] = {
        "card": CARD,
        "kind": "savings",
        "amount": Money(10_000, CNY),
        "fee": Money(0, CNY),
        "rate": Decimal("0.35"),
        "quote": "Q1",
    }
    message = built("deposit.place", terms)
    assert message.fields[48] == "17007savings"
    assert (message.fields[28], message.fields[61]) == ("D00000000", "01002Q1")
    used = Iso8583Options()
    builder = Builder(codec(), used, MODULE, NAMES.pin, None, optional=optional_terms(contracts()))
    at = datetime(2026, 11, 22, tzinfo=UTC)
    stamp = Stamp.fresh("000001", at, used, "1")
    sent = HostMessage(
        *("r1", "request", 0, "0200", "000001", stamp.field7, stamp.acquirer, stamp.terminal),
        *(stamp.reference, "a", at),
    )
    request = Request("r1", "deposit.place", 1, terms, "customer")
    undo = builder.reversal(tb87().services["deposit.place"], request, sent, stamp, "time_out")
    assert (undo.mti, undo.fields[3], undo.fields[4]) == ("0420", "461000", "000000010000")
    assert 48 not in undo.fields


# -- profiles -------------------------------------------------------------------------------------

HEAD = "schema: 1\nextends: tb87\nprofile: ourbank\nversion: 1\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("tags: {120: {rows: 0}}", "1 to 99 rows"),
        ("tags: {120: {rows: 100}}", "1 to 99 rows"),
        ('tags: {120: {rows: "20"}}', "whole number"),
        ("tags: {120: {columns: ~}}", "needs 'columns'"),
        ('tags: {120: {columns: {"01": {inside: {"01": {name: x}}}}}}', "without subfields"),
        ('tags: {120: {columns: {"02": {name: on}}}}', "two tags have one name"),
        ("tags: {120: {row: {name: x}}}", "unknown key 'row'"),
        ('tags: {48: {"50": {name: x, inside: {rows: 2, columns: {"01": {name: y}}}}}}', "first"),
        ("services: {card.today: {reply: {items: {rows: {on: onn}}}}}", "did you mean 'on'"),
        ("services: {card.today: {reply: {items: {field: 48}}}}", "tags.48 has no rows"),
        ("services: {card.today: {reply: {items: {file: 48}}}}", "unknown key 'file'"),
    ],
)
def test_a_wrong_list_is_told_by_line(tmp_path: Path, rows: str, said: str) -> None:
    path = tmp_path / "ourbank.yaml"
    path.write_text(HEAD + rows + "\n", encoding="utf-8")
    with pytest.raises(ProfileError, match=said) as caught:
        load_profile(path, TB87.parent)
    assert "yaml:" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("services: {card.today: {reply: {items: 48.fee}}}", "it is a list"),
        ("services: {card.points: {reply: {points: {field: 120, rows: {on: on}}}}}", "is no list"),
        ("services: {card.today: {reply: {items: {rows: {amount: ~}}}}}", "the column 'amount'"),
        ("services: {card.today: {reply: {items: {rows: {unit: unit}}}}}", "'unit' is no column"),
        ("services: {deposit.list: {reply: {items: ~}}}", "where 'items' is"),
    ],
)
def test_a_list_that_does_not_fit_its_contract(tmp_path: Path, rows: str, said: str) -> None:
    path = tmp_path / "ourbank.yaml"
    path.write_text(HEAD + rows + "\n", encoding="utf-8")
    with pytest.raises(ProfileError, match=said):
        check_services(load_profile(path, TB87.parent), contracts())


def test_optional_columns_and_outputs_need_no_place(tmp_path: Path) -> None:
    rows = "services: {card.today: {reply: {items: {rows: {balance: ~, at: ~}}, cursor: ~}}}\n"
    path = tmp_path / "ourbank.yaml"
    path.write_text(HEAD + rows, encoding="utf-8")
    profile = load_profile(path, TB87.parent)
    check_services(profile, contracts())
    reply = Message("0210", {39: "00", 120: field_120(RECENT)})
    service = profile.services["card.today"]
    found = judge(Codec(profile), service, contracts()["card.today"], "156", reply).outcome
    assert isinstance(found, Approved)
    rows_found = found.data["items"]
    assert isinstance(rows_found, tuple)
    assert set(rows_found[0]) == {"on", "what", "amount"}


def test_the_shipped_contracts_are_those_of_the_profile() -> None:
    every = load_contracts(TB87.parents[1] / "services.yaml")
    asked = [one for one in every.services.values() if one.source == "host"]
    lists = {one.name for one in asked if one.rows}
    mapped = {
        name for name, one in tb87().services.items() if any(s.columns for s in one.reply.values())
    }
    assert lists == mapped
    assert len(lists) == 23
