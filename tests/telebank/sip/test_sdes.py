"""`a=crypto`: the lines of RFC 4568, what is passed over, and whatever else may stand there."""

import re
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.sip.sdes import MAX_CRYPTO, SUITES, Crypto, key_length, read_crypto

RFC_4568_4 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
"""The key of RFC 4568 section 4."""
KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"


def read(*values: str) -> list[tuple[int, str]]:
    return [(one.tag, one.suite) for one in read_crypto(values)]


def test_the_examples_of_rfc_4568() -> None:
    (one,) = read_crypto([f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_4568_4}|2^20"])
    assert (one.tag, one.suite, len(one.key)) == (1, "AES_CM_128_HMAC_SHA1_80", 30)
    assert one.key == b"YS___semctl () {\t220;}\n}\nunles"
    assert one.line() == f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_4568_4}"
    assert read(f"2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|1048576") != []
    assert read(f"3 aes_cm_128_hmac_sha1_80 inline:{KEY} WSH=64 -LATER=1") != []


@pytest.mark.parametrize(
    "value",
    [
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4",  # an MKI
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTCP WSH=64",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNAUTHENTICATED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=1",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} FEC_ORDER=FEC_SRTP",
        f"1 F8_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY[:-4]}",  # 27 octets
        f"1 AEAD_AES_128_GCM inline:{KEY}",  # 30 octets where 28 belong
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 {KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}" + " WSH=64" * 40,
        "",
    ],
)
def test_what_is_passed_over(value: str) -> None:
    assert read(value) == []
    assert read(value, f"9 AES_CM_128_HMAC_SHA1_80 inline:{KEY}") == [
        (9, "AES_CM_128_HMAC_SHA1_80")
    ]


def test_the_offerers_order_and_the_first_of_a_tag() -> None:
    lines = [f"{tag} {suite} inline:{KEY}" for tag, suite in ((2, "AES_CM_128_HMAC_SHA1_32"),
             (1, "AES_CM_128_HMAC_SHA1_80"), (2, "AES_CM_128_HMAC_SHA1_80"))]  # fmt: skip
    assert read(*lines) == [(2, "AES_CM_128_HMAC_SHA1_32"), (1, "AES_CM_128_HMAC_SHA1_80")]


def test_no_more_lines_are_read_than_a_limit() -> None:
    junk = ["1 NULL inline:AAAA"] * MAX_CRYPTO
    assert read(*junk[1:], f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}") != []
    assert read(*junk, f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}") == []


def test_a_key_is_in_no_repr() -> None:
    assert "YS___" not in repr(Crypto(1, "AES_CM_128_HMAC_SHA1_80", b"YS___semctl"))


@given(st.sampled_from(sorted(SUITES)), st.integers(0, 999_999_999), st.data())
def test_what_is_written_is_read(suite: str, tag: int, data: st.DataObject) -> None:
    length = key_length(suite)
    key = data.draw(st.binary(min_size=length, max_size=length))
    one = Crypto(tag, suite, key)
    assert read_crypto([one.line().removeprefix("a=crypto:")]) == (one,)


@given(st.text(max_size=300))
def test_anything_else_raises_nothing(value: str) -> None:
    read_crypto([value])


@given(st.integers(0, 200))
def test_a_line_cut_off_gives_no_shorter_key(end: int) -> None:
    whole = f"1 AEAD_AES_256_GCM inline:{b64encode(bytes(44)).decode()}"
    found = read_crypto([whole[:end]])
    assert not found or re.fullmatch(r"1 AEAD.*", whole[:end])
    assert all(len(one.key) == 44 for one in found)
