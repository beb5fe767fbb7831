"""Who calls and who sent the call on, from trunks that are trusted and others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.identities import (
    MAX_ENTRIES,
    Diversion,
    Identities,
    Party,
    number_of,
    read_identities,
)
from telebank.sip.message import Request, parse


def invite(*lines: str, caller: str = '"Zhang" <sip:+8613800000000@trunk>;tag=1') -> Request:
    request = parse(
        "\r\n".join(
            [
                "INVITE sip:95500@bank SIP/2.0",
                "Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1",
                f"From: {caller}",
                "To: <sip:95500@bank>",
                "Call-ID: 1@peer",
                "CSeq: 1 INVITE",
                *lines,
                "\r\n",
            ]
        ).encode()
    )
    assert isinstance(request, Request)
    return request


def read(*lines: str, trusted: bool = True) -> Identities:
    return read_identities(invite(*lines), trusted=trusted)


FROM = Party("sip:+8613800000000@trunk", "+8613800000000", "Zhang")


def test_nothing_but_from() -> None:
    assert read() == Identities(FROM, asserted=False, private=False)
    assert not read().diverted


def test_an_asserted_identity_is_for_trusted_trunks() -> None:
    line = "P-Asserted-Identity: <sip:+861012345678@trunk;user=phone>"
    told = read(line)
    assert (told.caller.number, told.asserted) == ("+861012345678", True)
    untrusted = read(line, trusted=False)
    assert (untrusted.caller, untrusted.asserted) == (FROM, False)
    preferred = read("P-Preferred-Identity: <sip:+861012345678@trunk>")
    assert (preferred.caller, preferred.asserted) == (FROM, False)


@pytest.mark.parametrize(
    "lines",
    [
        ['P-Asserted-Identity: "Li" <sip:li@trunk>, <tel:+86-10-1234-5678>'],
        ['P-Asserted-Identity: "Li" <sip:li@trunk>', "P-Asserted-Identity: tel:+86-10-1234-5678"],
    ],
)
def test_a_name_and_a_number(lines: list[str]) -> None:
    assert read(*lines).caller == Party("tel:+86-10-1234-5678", "+861012345678", "Li")


@pytest.mark.parametrize(
    "value",
    [
        "", "nonsense", "<sip:1@trunk", "<sip:1@trunk>, <sip:2@trunk>, <sip:3@trunk>",
        "<sip:1@trunk>, nonsense",
    ],
)  # fmt: skip
def test_an_assertion_nobody_can_read_is_none(value: str) -> None:
    told = read(f"P-Asserted-Identity: {value}")
    assert (told.caller, told.asserted) == (FROM, False)


def test_privacy() -> None:
    for value, private in (
        ("id", True), ("ID;critical", True), ("header; user", True), ("none", False),
        ("session", False), ("history", False), ("", False), ("critical, id", True),
    ):  # fmt: skip
        assert read(f"Privacy: {value}").private is private
    hidden = read_identities(
        invite(
            "P-Asserted-Identity: <tel:+8613800000000>", "Privacy: id",
            caller='"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
        ),
        trusted=True,
    )  # fmt: skip
    assert (hidden.caller.number, hidden.asserted, hidden.private) == ("+8613800000000", True, True)


def test_numbers() -> None:
    for uri, number in (
        ("sip:+86-138(0000)0000@trunk", "+8613800000000"), ("sip:138;x=y@trunk", "138"),
        ("sip:%31001:pw@trunk", "1001"), ("tel:95500;phone-context=+86", "95500"),
        ("tel:*21#", "*21#"), ("sip:bad@trunk", ""), ("sip:1a@trunk", ""),
        ("sip:alice@trunk", ""), ("sip:trunk", ""), ("sips:1@trunk", "1"), ("mailto:1@trunk", ""),
        ("sip:+@trunk", ""), ("sip:1+2@trunk", ""), ("sip:" + "1" * 33 + "@trunk", ""), ("1", ""),
        ("sip:%D9%A1@trunk", ""), ("tel:", ""),
    ):  # fmt: skip
        assert number_of(uri) == number


def test_diversion() -> None:
    told = read(
        "Diversion: <sip:2002@a>;reason=No-Answer;counter=2;privacy=full;screen=no,"
        ' "B" <tel:3003>;reason="unconditional";privacy="off"',
        "Diversion: <sip:4004@a>",
        trusted=False,
    )
    assert told.diversions == (
        Diversion(Party("sip:2002@a", "2002"), "no-answer", private=True),
        Diversion(Party("tel:3003", "3003", "B"), "unconditional"),
        Diversion(Party("sip:4004@a", "4004"), "unknown"),
    )
    assert (told.times, told.diverted, told.unreadable) == (4, True, False)


def test_history_by_the_cause_of_the_target() -> None:
    """RFC 4458: the one it was sent to instead says why."""
    told = read(
        "History-Info: <sip:1001@a>;index=1",
        "History-Info: <sip:2002@a;cause=302>;index=1.1;mp=1, "
        "<sip:95500@bank;cause=486>;index=1.1.1;mp=1.1",
    )
    assert told.diversions == (
        Diversion(Party("sip:2002@a;cause=302", "2002"), "user-busy"),
        Diversion(Party("sip:1001@a", "1001"), "unconditional"),
    )
    assert told.times == 2


def test_history_by_the_reason_in_the_uri() -> None:
    """RFC 7044: the one it went on from says why."""
    told = read(
        "History-Info: <sip:1001@a?Reason=SIP%3Bcause%3D408&Privacy=history>;index=1",
        "History-Info: <sip:95500@bank>;index=1.1",
    )
    uri = "sip:1001@a?Reason=SIP%3Bcause%3D408&Privacy=history"
    assert told.diversions == (Diversion(Party(uri, "1001"), "no-answer", private=True),)


def test_history_that_is_no_diversion() -> None:
    told = read(
        "History-Info: <sip:95500@bank>;index=1, <sip:95500@192.0.2.1>;index=1.1;rc=1,"
        " <sip:95500@192.0.2.2>;index=1.2;np=1"
    )
    assert (told.diversions, told.diverted) == ((), False)
    # Sent on to another user for a reason nobody gives is a diversion.
    told = read("History-Info: <sip:1001@a>;index=1, <sip:95500@bank>;index=1.1;mp=1")
    assert [d.reason for d in told.diversions] == ["unknown"]


def test_history_without_indices_goes_by_its_order() -> None:
    told = read("History-Info: <sip:1001@a>, <sip:2002@a;cause=302>, <sip:95500@bank;cause=486>")
    assert [d.by.number for d in told.diversions] == ["2002", "1001"]


def test_both_headers_tell_of_the_same() -> None:
    history = "History-Info: <sip:1001@a>;index=1, <sip:95500@bank;cause=302>;index=1.1;mp=1"
    told = read(history, "Diversion: <sip:1001@a>;reason=unconditional")
    assert (len(told.diversions), told.times) == (1, 1)
    told = read(history, "Diversion: <sip:1001@a>, <sip:1002@a>")
    assert (len(told.diversions), told.times) == (2, 2)


@pytest.mark.parametrize("name", ["Diversion", "History-Info"])
def test_what_cannot_be_read_counts_as_diverted(name: str) -> None:
    for value in ("nonsense", "<sip:1@a", "<sip:1@a>;reason=x y", "<sip:1@a>;index=1, x"):
        told = read(f"{name}: {value}")
        assert told.diverted
        assert told.unreadable
    many = read(f"{name}: " + ", ".join(["<sip:1@a>;index=1"] * (MAX_ENTRIES + 1)))
    assert many.unreadable
    assert len(many.diversions) <= MAX_ENTRIES


def test_counters_are_bounded() -> None:
    assert read(*["Diversion: <sip:1@a>;counter=99"] * 5).times == 99
    assert read("Diversion: <sip:1@a>;counter=999999999999").times == 1
    assert read("Diversion: <sip:1@a>;counter=0").times == 1


VALUE = '"A, B" <sip:+861@a;cause=302?Reason=SIP%3Bcause%3D486>;index=1.1;mp=1;reason="x";counter=2'
NAMES = ("p-asserted-identity", "diversion", "history-info", "privacy")


def anything(value: str) -> None:
    request = invite()
    for name in NAMES:
        request.headers[name] = [value, VALUE, value]
    for trusted in (True, False):
        told = read_identities(request, trusted=trusted)
        assert trusted or not told.asserted


def test_truncation_at_every_character() -> None:
    for end in range(len(VALUE)):
        for tail in ("", '"', ",", ";", "<", "%", "\udcff", "=1"):
            anything(VALUE[:end] + tail)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('<>sip:tel@b;="\\,?%4cause=302index1.mp \t\udcff'), max_size=60))
def test_noise_never_raises(value: str) -> None:
    anything(value)
