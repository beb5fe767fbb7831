"""The digest itself against what was published."""

import copy

import pytest

from telebank.sip.auth_headers import read_credentials
from telebank.sip.digest import SAFE, Account, Algorithm, algorithm_named, response_to

MD5, SHA_256, SHA_512_256 = Algorithm.MD5, Algorithm.SHA_256, Algorithm.SHA_512_256
# Algorithm, username, realm, password, method, uri, nonce, cnonce (empty: no qop), response
PUBLISHED = {
    "RFC 2617 3.5": (
        MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", "GET", "/dir/index.html",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "6629fae49393a05397450978507c4ef1",
    ),
    "RFC 7616 3.9.1, MD5": (
        MD5, "Mufasa", "http-auth@example.org", "Circle of Life", "GET", "/dir/index.html",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "8ca523f5e9506fed4657c9700eebdbec",
    ),
    "RFC 7616 3.9.1, SHA-256": (
        SHA_256, "Mufasa", "http-auth@example.org", "Circle of Life", "GET", "/dir/index.html",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    ),
    # The RFC's own figure is of SHA-512 cut short; this is the one of its erratum 4897.
    "RFC 7616 3.9.2, SHA-512-256": (
        SHA_512_256, "Jäsøn Doe", "api@example.org", "Secret, or not?", "GET", "/doe.json",
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
    ),
    "draft-smith-sipping-auth-examples 3.1": (
        MD5, "bob", "biloxi.com", "zanzibar", "INVITE", "sip:bob@biloxi.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", "bf57e4e0d0bffc0fbaedce64d59add5e",
    ),
    "draft-smith-sipping-auth-examples 3.2": (
        MD5, "bob", "biloxi.com", "zanzibar", "INVITE", "sip:bob@biloxi.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "89eb0059246c02b2f6ee02c7961d5ea3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_vectors(name: str) -> None:
    algorithm, username, realm, password, method, uri, nonce, cnonce, expected = PUBLISHED[name]
    account = Account.of_password(username, realm, password, (algorithm,))
    more = {"qop": "auth", "nc": "00000001", "cnonce": cnonce} if cnonce else {}
    got = response_to(algorithm, account.ha1[algorithm], method, uri, nonce, **more)
    assert got == expected


def test_the_user_of_rfc_7616_hashed() -> None:
    """Erratum 4897 again, for the hash itself: H(username:realm)."""
    assert SHA_512_256.hash("Jäsøn Doe:api@example.org") == (
        "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    )


def test_the_header_of_rfc_7616_is_read_as_it_is_printed() -> None:
    (given,) = read_credentials(
        [
            'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
            'algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
            'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        ]
    )
    account = Account.of_password("Mufasa", given.realm, "Circle of Life")
    again = response_to(
        SHA_256, account.ha1[SHA_256], "GET", given.uri, given.nonce,
        qop=given.qop, nc=given.nc, cnonce=given.cnonce,
    )  # fmt: skip
    assert again == given.response


def test_algorithms_by_name() -> None:
    assert [algorithm_named(a) for a in ("", "md5", "sha-256", "SHA-512-256")] == [
        MD5, MD5, SHA_256, SHA_512_256,
    ]  # fmt: skip
    assert algorithm_named("MD5-sess") is None
    assert algorithm_named("SHA-256-sess") is None
    assert algorithm_named("SHA-1") is None
    for algorithm in Algorithm:
        assert len(algorithm.hash("x")) == algorithm.length


def test_an_account_keeps_and_prints_no_secret() -> None:
    account = Account.of_password("1001", "bank", "open sesame")
    assert tuple(account.ha1) == SAFE  # MD5 only where it is asked for
    for shown in (repr(account), str(account), f"{account}", repr([copy.copy(account)])):
        assert "open sesame" not in shown
        assert not any(key[:8] in shown for key in account.ha1.values())


@pytest.mark.parametrize(
    ("username", "key"),
    [("", "0" * 32), ("a:b", "0" * 32), ("a", "0" * 31), ("a", "0" * 64), ("a", "G" * 32)],
)
def test_accounts_that_cannot_be(username: str, key: str) -> None:
    with pytest.raises(ValueError, match="account") as caught:
        Account(username, "bank", {MD5: key})
    assert key not in str(caught.value)
