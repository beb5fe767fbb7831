"""URIs compared as RFC 3261 section 19.1.4 does it, by its own examples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.contacts import read_contacts, same_target, same_uri, unescaped, user_of

SAME = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
    ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
]
DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
    ("sip:bob%3Ax@biloxi.com", "sip:bob:x@biloxi.com"),
    ("sip:bob@biloxi.com;user=phone", "sip:bob@biloxi.com"),
    ("tel:95500", "sip:95500@bank"),
    ("nonsense", "sip:95500@bank"),
]
URIS = st.sampled_from([uri for pair in SAME + DIFFERENT for uri in pair])


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same(one: str, other: str) -> None:
    assert same_uri(one, other)
    assert same_uri(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_not_the_same(one: str, other: str) -> None:
    assert not same_uri(one, other)
    assert not same_uri(other, one)


@settings(max_examples=200, deadline=None)
@given(URIS | st.text(max_size=20), URIS | st.text(max_size=20))
def test_any_two(one: str, other: str) -> None:
    assert same_uri(one, one)
    assert same_uri(one, other) == same_uri(other, one)
    assert same_target(one, other) == same_target(other, one)
    assert same_target(one, other) or not same_uri(one, other)


def test_where_two_uris_lead() -> None:
    assert same_target("sip:1@bank", "sip:%31@BANK:5060;user=phone?x=y")
    assert same_target("sips:1@bank", "sips:1@bank:5061")
    assert same_target("tel:1", "tel:1")
    for other in ("sip:2@bank", "sip:1@bonk", "sip:1@bank:5061", "sips:1@bank", "tel:1", ""):
        assert not same_target("sip:1@bank", other)


def test_users() -> None:
    assert user_of("sip:%E5%BC%A0:secret@bank") == "张"
    assert user_of("sip:bank") == ""
    assert user_of("tel:95500") is None
    assert unescaped("a%2") == b"a%2"


def test_a_list_of_contacts() -> None:
    found = read_contacts(
        ['"A, B" <sip:a@b;x>;q=0.3;expires=9,sip:c@d;expires=1', "<sip:e@f>"],
        max_contacts=9,
        max_length=99,
    )
    assert found is not None
    assert [(c.uri, c.q, c.expires) for c in found] == [
        ("sip:a@b;x", 0.3, 9), ("sip:c@d", 1.0, 1), ("sip:e@f", 1.0, None),
    ]  # fmt: skip
    assert read_contacts([" * "], max_contacts=1, max_length=9) is None
    assert read_contacts([], max_contacts=1, max_length=9) == ()
