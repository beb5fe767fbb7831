"""Challenges and credentials: the grammar, and what breaks it."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.auth_headers import (
    MAX_LENGTH,
    MAX_LINES,
    MAX_PARAMS,
    MAX_VALUES,
    Challenge,
    Credentials,
    quoted,
    read_challenges,
    read_credentials,
)

# RFC 3261 section 20.27 and 20.7, as printed there.
RFC_CHALLENGE = (
    'Digest realm="atlanta.com", domain="sip:boxesbybob.com", qop="auth", '
    'nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5'
)
RFC_CREDENTIALS = (
    'Digest username="Alice", realm="atlanta.com", nonce="84a4cc6f3082121f32b42a2187831a9e", '
    'response="7587245234b3434cc3412213e5f113a5432", uri="sip:atlanta.com"'
)
TOKENS = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=12)
# Everything a line can hold: no controls but the tab, octets that are no UTF-8 as surrogates.
TEXTS = st.text(
    st.one_of(
        st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]),
        st.integers(0xDC80, 0xDCFF).map(chr),
        st.sampled_from('"\\,= \t<>;'),
    ),
    max_size=20,
)
FILLED = TEXTS.filter(bool)
CHALLENGES = st.builds(
    Challenge,
    TEXTS,
    FILLED,
    st.one_of(st.just(""), TOKENS),
    st.lists(TOKENS.map(str.lower), max_size=3).map(tuple),
    st.none() | TEXTS,
    st.booleans(),
)
PLAIN = st.builds(
    Credentials, FILLED, TEXTS, FILLED, FILLED, FILLED.map(str.lower), st.just("") | TOKENS,
    opaque=st.none() | TEXTS,
)  # fmt: skip
COUNTED = st.builds(
    Credentials, FILLED, TEXTS, FILLED, FILLED, FILLED.map(str.lower), st.just("") | TOKENS,
    TOKENS.map(str.lower), st.from_regex(r"[0-9A-Fa-f]{8}", fullmatch=True), FILLED,
    st.none() | TEXTS,
)  # fmt: skip


def test_the_examples_of_rfc_3261() -> None:
    (challenge,) = read_challenges([RFC_CHALLENGE])
    assert challenge == Challenge(
        "atlanta.com", "f84f1cec41e6cbe5aea9c8e88d359", "MD5", ("auth",), "", False
    )
    (given_,) = read_credentials([RFC_CREDENTIALS])
    assert (given_.username, given_.uri, given_.qop, given_.opaque) == (
        "Alice", "sip:atlanta.com", "", None,
    )  # fmt: skip
    assert given_.count == 1


@settings(max_examples=300, deadline=None)
@given(st.lists(CHALLENGES, max_size=4), st.booleans())
def test_challenges_written_and_read_again(challenges: list[Challenge], one_line: bool) -> None:
    lines = [challenge.written() for challenge in challenges]
    assert read_challenges([", ".join(lines)] if one_line else lines) == challenges


@settings(max_examples=300, deadline=None)
@given(st.one_of(PLAIN, COUNTED))
def test_credentials_written_and_read_again(credentials: Credentials) -> None:
    assert read_credentials([credentials.written()]) == [credentials]


def test_wide_reading() -> None:
    (found,) = read_credentials(
        [
            'dIgEsT \tUSERNAME = "a\\"b\\\\c" ,, realm=bank,nonce="n==",uri=sip:95500@bank:5060;x=y'
            ',cnonce=c,NC="0000000A" ,qop="AUTH",response=ABcd, auth-param="x, y=\\"z", other=1,'
        ]
    )
    assert found == Credentials(
        'a"b\\c', "bank", "n==", "sip:95500@bank:5060;x=y", "abcd", "", "auth", "0000000A", "c"
    )
    assert found.count == 10


def test_other_schemes_are_passed_over() -> None:
    ours = Challenge("bank", "n", "SHA-256", ("auth",))
    lines = [
        "NoOneKnowsThisScheme opaque-data=here",
        f'Basic realm="x, Digest y", {ours.written()}, Negotiate',
        "Negotiate",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ours.written(),
    ]
    assert read_challenges(lines) == [ours, ours]
    assert read_credentials(lines) == []


BROKEN = {
    "empty": "",
    "scheme alone": "Digest",
    "another scheme": RFC_CREDENTIALS.replace("Digest", "Digestion"),
    "no space": RFC_CREDENTIALS.replace("Digest ", "Digest"),
    "a parameter twice": RFC_CREDENTIALS + ', USERNAME="Bob"',
    "open quotation": RFC_CREDENTIALS[:-1],
    "text behind a quotation": RFC_CREDENTIALS + "x",
    "no comma": RFC_CREDENTIALS.replace(",", ""),
    "semicolons": RFC_CREDENTIALS.replace(",", ";"),
    "no realm": re.sub("realm=[^ ]+ ", "", RFC_CREDENTIALS),
    "no username": re.sub("username=[^ ]+ ", "", RFC_CREDENTIALS),
    "empty username": RFC_CREDENTIALS.replace("Alice", ""),
    "no nonce": re.sub("nonce=[^ ]+ ", "", RFC_CREDENTIALS),
    "no response": re.sub("response=[^ ]+ ", "", RFC_CREDENTIALS),
    "no uri": re.sub(', uri="[^ ]+"', "", RFC_CREDENTIALS),
    "qop without count": RFC_CREDENTIALS + ', qop=auth, cnonce="c"',
    "qop without cnonce": RFC_CREDENTIALS + ", qop=auth, nc=00000001",
    "count of seven digits": RFC_CREDENTIALS + ', qop=auth, cnonce="c", nc=0000001',
    "count of nine digits": RFC_CREDENTIALS + ', qop=auth, cnonce="c", nc=000000001',
    "count not hexadecimal": RFC_CREDENTIALS + ', qop=auth, cnonce="c", nc=0000000g',
    "count in other digits": RFC_CREDENTIALS + ', qop=auth, cnonce="c", nc=٠٠٠٠٠٠٠١',
    "algorithm with a quotation mark": RFC_CREDENTIALS + ', algorithm="MD5\\""',
    "line feed": RFC_CREDENTIALS.replace("Alice", "Al\nice"),
    "null": RFC_CREDENTIALS.replace("Alice", "Al\x00ice"),
    "too long": RFC_CREDENTIALS + ', x="' + "x" * MAX_LENGTH + '"',
    "too many parameters": RFC_CREDENTIALS + "".join(f", x{i}=1" for i in range(MAX_PARAMS)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_credentials_count_as_none(name: str) -> None:
    assert read_credentials([BROKEN[name]]) == []


def test_only_so_many_lines_and_values_are_looked_at() -> None:
    assert len(read_credentials([f"{RFC_CREDENTIALS}, " * (MAX_VALUES + 1)])) == MAX_VALUES
    assert len(read_credentials([RFC_CREDENTIALS] * (MAX_LINES + 1))) == MAX_LINES


@pytest.mark.parametrize("line", [RFC_CHALLENGE, RFC_CREDENTIALS], ids=["challenge", "credentials"])
def test_truncation_at_every_character(line: str) -> None:
    for end in range(len(line) + 1):
        for tail in ("", '"', "\\", ",", ", Digest", "\x00", "\udcff", "="):
            assert len(read_challenges([line[:end] + tail])) <= 1
            assert len(read_credentials([line[:end] + tail])) <= 1
    # What lacks only its last parameter's end is told from what is whole.
    assert read_credentials([RFC_CREDENTIALS[:-1]]) == []


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from('Digest realm="\\,= nonceuri\t\x00ab:'), max_size=80))
def test_noise_never_raises(text: str) -> None:
    read_challenges([text, "Digest " + text])
    read_credentials([text, RFC_CREDENTIALS + text])


def test_nothing_is_smuggled_into_a_line() -> None:
    for text in ("a\r\nVia: x", "a\nb", "\x00", "\x7f"):
        with pytest.raises(ValueError, match="control character"):
            quoted(text)


def test_the_response_is_not_printed() -> None:
    assert "7587245234" not in repr(read_credentials([RFC_CREDENTIALS]))
