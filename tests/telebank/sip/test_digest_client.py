"""The client side of digest authentication, against trunks that behave and trunks that do not."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.auth_headers import Challenge, Credentials, read_credentials
from telebank.sip.digest import Account, Algorithm, response_to
from telebank.sip.digest_client import (
    MAX_COUNT,
    MAX_TRIES,
    DigestClient,
    GivenUp,
    GivenUpFor,
    Signed,
)
from telebank.sip.digest_server import Challenged, DigestOptions, DigestServer, Verified
from telebank.sip.failed_attempts import AttemptOptions, FailedAttempts
from telebank.sip.message import Request, Response, parse

MD5, SHA_256, SHA_512_256 = Algorithm.MD5, Algorithm.SHA_256, Algorithm.SHA_512_256
TRUNK = Account.of_password("telebank", "trunk", "open sesame")
OLD = Account.of_password("telebank", "old", "open sesame", (MD5,), without_qop=True)
ALL = Account.of_password("telebank", "all", "open sesame", tuple(Algorithm))
URI = "sip:13800000000@trunk"
US = ("192.0.2.10", 5060)


def client(*accounts: Account) -> DigestClient:
    counter = itertools.count(1)
    return DigestClient(accounts or (TRUNK, OLD, ALL), lambda: f"c{next(counter)}")


def response(*challenges: Challenge | str, status: int = 401, proxy: bool = False) -> Response:
    name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
    lines = [c if isinstance(c, str) else f"{name}: {c.written()}" for c in challenges]
    parsed = parse(
        "\r\n".join(
            [
                f"SIP/2.0 {status} X",
                "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1",
                "From: <sip:bank@trunk>;tag=p",
                f"To: <{URI}>;tag=t",
                "Call-ID: 1@us",
                "CSeq: 1 INVITE",
                *lines,
                "\r\n",
            ]
        ).encode()
    )
    assert isinstance(parsed, Response)
    return parsed


def challenge(nonce: str = "n1", *, realm: str = "trunk", **more: object) -> Challenge:
    fields = {"algorithm": "SHA-256", "qop": ("auth",), **more}
    return Challenge(realm, nonce, **fields)  # type: ignore[arg-type]


def again(to: DigestClient, signed: Signed, *challenges: Challenge, status: int = 401) -> Signed:
    answer = to.again(signed, response(*challenges, status=status, proxy=status == 407))
    assert isinstance(answer, Signed)
    return answer


def given_up(to: DigestClient, signed: Signed, *challenges: Challenge | str) -> GivenUpFor:
    answer = to.again(signed, response(*challenges))
    assert isinstance(answer, GivenUp)
    return answer.why


def sent(signed: Signed) -> list[Credentials]:
    return read_credentials([value for _, value in signed.headers])


def expected(given: Credentials, account: Account, method: str = "INVITE") -> str:
    algorithm = Algorithm(given.algorithm or "MD5")
    return response_to(
        algorithm, account.ha1[algorithm], method, given.uri, given.nonce,
        qop=given.qop, nc=given.nc, cnonce=given.cnonce,
    )  # fmt: skip


def test_a_challenge_answered() -> None:
    trunk = client()
    first = trunk.begin("INVITE", URI)
    assert first.headers == ()
    second = again(trunk, first, challenge(opaque='o"\\'))
    assert [name for name, _ in second.headers] == ["Authorization"]
    (given_,) = sent(second)
    assert (given_.username, given_.realm, given_.nonce, given_.uri) == (
        "telebank", "trunk", "n1", URI,
    )  # fmt: skip
    assert (given_.algorithm, given_.qop, given_.nc, given_.cnonce, given_.opaque) == (
        "SHA-256", "auth", "00000001", "c1", 'o"\\',
    )  # fmt: skip
    assert given_.response == expected(given_, TRUNK)


def test_later_requests_are_signed_at_once_and_counted() -> None:
    trunk = client()
    again(trunk, trunk.begin("REGISTER", "sip:trunk"), challenge())
    for number in range(2, 20):
        (given_,) = sent(trunk.begin("INVITE", URI))
        assert (given_.nc, given_.cnonce) == (f"{number:08x}", f"c{number}")
        assert given_.response == expected(given_, TRUNK)


def test_the_strongest_it_may() -> None:
    weakest_first = [
        challenge("n1", realm="all", algorithm="MD5"),
        challenge("n2", realm="all", algorithm="SHA-256"),
        challenge("n3", realm="all", algorithm="SHA-512-256"),
        challenge("n4", realm="all", algorithm="SHA-9000"),
        challenge("n5", realm="all", algorithm="SHA-512-256", qop=("auth-int",)),
        challenge("n6", realm="all", algorithm="SHA-512-256-sess"),
    ]
    for count, nonce in ((1, "n1"), (2, "n2"), (3, "n3"), (6, "n3")):
        for order in (weakest_first[:count], weakest_first[:count][::-1]):
            trunk = client()
            (given_,) = sent(again(trunk, trunk.begin("INVITE", URI), *order))
            assert given_.nonce == nonce
            assert given_.response == expected(given_, ALL)


def test_one_protection_of_several() -> None:
    trunk = client()
    signed = again(trunk, trunk.begin("INVITE", URI), challenge(qop=("auth-int", "auth", "x")))
    assert sent(signed)[0].qop == "auth"


@pytest.mark.parametrize(
    "asked",
    [
        challenge(algorithm="MD5"), challenge(algorithm=""), challenge(algorithm="SHA-1"),
        challenge(qop=("auth-int",)), challenge(qop=()),
    ],
    ids=str,
)  # fmt: skip
def test_nothing_weaker_is_answered(asked: Challenge) -> None:
    trunk = client()
    assert given_up(trunk, trunk.begin("INVITE", URI), asked) is GivenUpFor.NO_ALGORITHM
    assert trunk.begin("INVITE", URI).headers == ()


def test_old_trunks_where_it_is_allowed() -> None:
    trunk = client()
    old = challenge(realm="old", algorithm="", qop=())
    (given_,) = sent(again(trunk, trunk.begin("INVITE", URI), old))
    assert (given_.algorithm, given_.qop, given_.nc, given_.cnonce) == ("", "", "", "")
    assert given_.response == expected(given_, OLD)


def test_strangers_learn_nothing() -> None:
    trunk = client()
    begun = trunk.begin("INVITE", URI)
    assert trunk.again(begun, response(challenge(realm="elsewhere"))) == GivenUp(
        GivenUpFor.NO_ACCOUNT, "elsewhere"
    )
    assert given_up(trunk, begun) is GivenUpFor.NO_CHALLENGE
    assert given_up(trunk, begun, "WWW-Authenticate: Digest broken") is GivenUpFor.NO_CHALLENGE
    assert given_up(trunk, begun, 'WWW-Authenticate: Basic realm="trunk"') is (
        GivenUpFor.NO_CHALLENGE
    )
    with pytest.raises(ValueError, match="403"):
        trunk.again(begun, response(challenge(), status=403))


def test_refused_credentials_are_not_sent_again() -> None:
    trunk = client()
    signed = again(trunk, trunk.begin("INVITE", URI), challenge("n1"))
    assert given_up(trunk, signed, challenge("n2")) is GivenUpFor.REFUSED
    assert trunk.begin("INVITE", URI).headers == ()  # and not for the next request either


def test_an_old_nonce_of_an_earlier_request_is_renewed_once() -> None:
    trunk = client()
    again(trunk, trunk.begin("INVITE", URI), challenge("n1"))
    signed = again(trunk, trunk.begin("INVITE", URI), challenge("n2"))  # without stale=true
    assert [(g.nonce, g.nc) for g in sent(signed)] == [("n2", "00000001")]
    assert given_up(trunk, signed, challenge("n3")) is GivenUpFor.REFUSED


def test_stale_nonces_are_renewed_a_few_times() -> None:
    trunk = client()
    signed = trunk.begin("INVITE", URI)
    for number in range(MAX_TRIES):
        signed = again(trunk, signed, challenge(f"n{number}", stale=True))
        assert sent(signed)[0].nonce == f"n{number}"
    assert given_up(trunk, signed, challenge("n99", stale=True)) is GivenUpFor.TOO_OFTEN


def test_a_nonce_is_tried_once() -> None:
    trunk = client()
    signed = again(trunk, trunk.begin("INVITE", URI), challenge("n1"))
    assert given_up(trunk, signed, challenge("n1", stale=True)) is GivenUpFor.REFUSED


def test_several_proxies_in_a_row() -> None:
    trunk = client()
    one = again(trunk, trunk.begin("INVITE", URI), challenge("p1"), status=407)
    two = again(trunk, one, challenge("w1", realm="all"))
    assert [(name, value.partition('realm="')[2][:5]) for name, value in two.headers] == [
        ("Proxy-Authorization", "trunk"),
        ("Authorization", 'all",'),
    ]
    assert [(g.nonce, g.nc) for g in sent(two)] == [("p1", "00000002"), ("w1", "00000001")]
    # Two that ask at once, of a forked request (22.3).
    trunk = client()
    both = again(trunk, trunk.begin("INVITE", URI), challenge("w1"), challenge("w2", realm="all"))
    assert [g.nonce for g in sent(both)] == ["w1", "w2"]


def test_a_count_does_not_run_over() -> None:
    trunk = client()
    again(trunk, trunk.begin("INVITE", URI), challenge())
    (session,) = trunk._sessions.values()  # no other way takes less than four thousand million
    session.count = MAX_COUNT - 1
    assert sent(trunk.begin("INVITE", URI))[0].nc == "ffffffff"
    assert trunk.begin("INVITE", URI).headers == ()


def test_no_secret_is_printed() -> None:
    trunk = client()
    signed = again(trunk, trunk.begin("INVITE", URI), challenge())
    for account in (TRUNK, OLD, ALL):
        for key in account.ha1.values():
            assert key not in repr((trunk.__dict__, signed))


LINES = st.lists(
    st.one_of(
        st.builds(
            challenge,
            st.sampled_from(["n1", "n2", "n3"]),
            realm=st.sampled_from(["trunk", "old", "all", "elsewhere"]),
            algorithm=st.sampled_from(["", "MD5", "SHA-256", "sha-512-256", "x"]),
            qop=st.sampled_from([(), ("auth",), ("auth-int",), ("auth", "auth-int")]),
            stale=st.booleans(),
        ).map(lambda c: f"WWW-Authenticate: {c.written()}"),
        st.text(st.sampled_from('Digest realm="trunk",nonce=\\'), max_size=60).map(
            lambda text: f"Proxy-Authenticate: {text}"
        ),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=8))
def test_no_trunk_makes_it_go_on_for_ever(answers: Sequence[Sequence[str]]) -> None:
    trunk = client()
    signed = trunk.begin("INVITE", URI)
    used = set()
    for lines in [*answers, *([["WWW-Authenticate: " + challenge().written()]] * MAX_TRIES)]:
        answer = trunk.again(signed, response(*lines))
        if isinstance(answer, GivenUp):
            return
        for given_ in sent(answer):
            assert given_.realm in ("trunk", "old", "all")
            assert not given_.qop or (given_.realm, given_.nonce, given_.nc) not in used
            used.add((given_.realm, given_.nonce, given_.nc))
        signed = answer
    pytest.fail("it never gave up")


def test_truncation_at_every_character() -> None:
    text = challenge(opaque="o").written()
    for end in range(len(text)):
        trunk = client()
        trunk.again(trunk.begin("INVITE", URI), response(f"WWW-Authenticate: {text[:end]}"))


# Both sides together


def request(signed: Signed) -> Request:
    lines = [
        f"{signed.method} {signed.uri} SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1",
        "From: <sip:a@b>;tag=p", "To: <sip:a@b>", "Call-ID: 1@us", f"CSeq: 1 {signed.method}",
        *(f"{name}: {value}" for name, value in signed.headers), "\r\n",
    ]  # fmt: skip
    parsed = parse("\r\n".join(lines).encode())
    assert isinstance(parsed, Request)
    return parsed


TEXT = st.text(
    st.characters(min_codepoint=32, exclude_characters=":\x7f", exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    names=st.tuples(TEXT, TEXT, TEXT),
    proxy=st.booleans(),
    right=st.booleans(),
    offered=st.lists(st.sampled_from(Algorithm), min_size=1, unique=True).map(tuple),
    gaps=st.lists(st.floats(0, 120), max_size=12),
)
def test_both_sides_agree(
    *,
    names: tuple[str, str, str],
    proxy: bool,
    right: bool,
    offered: tuple[Algorithm, ...],
    gaps: list[float],
) -> None:
    """Every request with the right password gets in with two tries; none with a wrong one does."""
    name, realm, password = names
    options = DigestOptions(realm, offered, proxy=proxy, nonce_lifetime=60.0)
    server = DigestServer(options, b"0123456789abcdef", FailedAttempts(AttemptOptions()))
    accounts = {name: Account.of_password(name, realm, password, offered)}
    given_ = password if right else password + "x"
    caller = client(Account.of_password(name, realm, given_, offered))
    now = 0.0
    for gap in (0.0, *gaps):
        now += gap
        signed: Signed | GivenUp = caller.begin("INVITE", URI)
        assert isinstance(signed, Signed)
        verdict = server.check(request(signed), US, accounts, now)
        if isinstance(verdict, Challenged):
            lines = [f"{header}: {value}" for header, value in verdict.headers]
            signed = caller.again(signed, response(*lines, status=verdict.status))
            assert isinstance(signed, Signed)
            verdict = server.check(request(signed), US, accounts, now)
        assert isinstance(verdict, Verified) == right
        if isinstance(verdict, Challenged):
            lines = [f"{header}: {value}" for header, value in verdict.headers]
            assert caller.again(signed, response(*lines, status=verdict.status)) == GivenUp(
                GivenUpFor.REFUSED, realm
            )
