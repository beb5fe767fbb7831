"""The server side of digest authentication, asked by a phone made of the published parts."""

import gc
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.auth_headers import Challenge, Credentials, read_challenges
from telebank.sip.digest import Account, Algorithm, response_to
from telebank.sip.digest_server import (
    Challenged,
    DigestOptions,
    DigestServer,
    Verified,
    Why,
)
from telebank.sip.failed_attempts import AttemptOptions, FailedAttempts
from telebank.sip.message import Request, parse
from telebank.sip.nonces import Nonces
from telebank.sip.uri import Address

PHONE: Address = ("192.0.2.20", 5062)
OTHER: Address = ("198.51.100.9", 5060)
KEY = b"a key of this run only."
MD5, SHA_256, SHA_512_256 = Algorithm.MD5, Algorithm.SHA_256, Algorithm.SHA_512_256
ACCOUNTS = {
    "1001": Account.of_password("1001", "bank", "open sesame"),
    "1002": Account.of_password("1002", "bank", "old phone", (MD5,), without_qop=True),
}
URI = "sip:bank"


def server(options: DigestOptions | None = None, **attempts: float) -> DigestServer:
    failed = FailedAttempts(AttemptOptions(**attempts))  # type: ignore[arg-type]
    return DigestServer(options or DigestOptions("bank"), KEY, failed)


def request(*lines: str, method: str = "REGISTER", uri: str = URI) -> Request:
    parsed = parse(
        "\r\n".join(
            [
                f"{method} {uri} SIP/2.0",
                "Via: SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bK1",
                "From: <sip:1001@bank>;tag=p",
                "To: <sip:1001@bank>",
                "Call-ID: 1@phone",
                f"CSeq: 1 {method}",
                *lines,
                "\r\n",
            ]
        ).encode()
    )
    assert isinstance(parsed, Request)
    return parsed


def signed(
    challenge: Challenge,
    *,
    name: str = "1001",
    password: str = "open sesame",
    method: str = "REGISTER",
    uri: str = URI,
    nc: str = "00000001",
    qop: str = "auth",
) -> Credentials:
    algorithm = Algorithm(challenge.algorithm)
    ha1 = algorithm.hash(f"{name}:{challenge.realm}:{password}")
    more = {"qop": qop, "nc": nc, "cnonce": "c"} if qop else {}
    response = response_to(algorithm, ha1, method, uri, challenge.nonce, **more)
    return Credentials(
        name, challenge.realm, challenge.nonce, uri, response, challenge.algorithm, **more
    )


def authorization(credentials: Credentials) -> str:
    return f"Authorization: {credentials.written()}"


def challenged(
    to: DigestServer, *lines: str, source: Address = PHONE, now: float = 0.0
) -> tuple[Challenged, list[Challenge]]:
    verdict = to.check(request(*lines), source, ACCOUNTS, now)
    assert isinstance(verdict, Challenged)
    return verdict, read_challenges([value for _, value in verdict.headers])


def ask(
    to: DigestServer, source: Address = PHONE, now: float = 0.0, **more: str
) -> Verified | Challenged:
    """A whole exchange: a challenge, and the answer to it."""
    _, (challenge, *_) = challenged(to, source=source, now=now)
    return to.check(
        request(authorization(signed(challenge, **more))), source, ACCOUNTS, now
    )  # fmt: skip


def test_a_phone_is_challenged_and_let_in() -> None:
    digest = server()
    verdict, (challenge,) = challenged(digest)
    assert (verdict.status, verdict.reason, verdict.why) == (401, "Unauthorized", Why.ABSENT)
    assert [name for name, _ in verdict.headers] == ["WWW-Authenticate"]
    assert (challenge.realm, challenge.algorithm, challenge.qop, challenge.stale) == (
        "bank", "SHA-256", ("auth",), False,
    )  # fmt: skip
    answer = request(authorization(signed(challenge)))
    assert digest.check(answer, PHONE, ACCOUNTS, 1.0) == Verified(ACCOUNTS["1001"])


def test_a_proxy_asks_with_407() -> None:
    digest = server(DigestOptions("bank", proxy=True))
    verdict, (challenge,) = challenged(digest)
    assert (verdict.status, verdict.headers[0][0]) == (407, "Proxy-Authenticate")
    line = authorization(signed(challenge))
    assert isinstance(digest.check(request(line), PHONE, ACCOUNTS, 0.0), Challenged)
    assert digest.check(request(f"Proxy-{line}"), PHONE, ACCOUNTS, 0.0) == Verified(
        ACCOUNTS["1001"]
    )


def test_algorithms_are_offered_in_order_with_one_nonce() -> None:
    digest = server(DigestOptions("bank", (SHA_512_256, SHA_256, MD5)))
    _, challenges = challenged(digest)
    assert [c.algorithm for c in challenges] == ["SHA-512-256", "SHA-256", "MD5"]
    assert len({c.nonce for c in challenges}) == 1
    for number, challenge in enumerate(challenges[:2], 1):
        line = authorization(signed(challenge, nc=f"{number:08x}"))
        assert isinstance(digest.check(request(line), PHONE, ACCOUNTS, 0.0), Verified)


def test_md5_only_where_place_and_account_allow_it() -> None:
    with_md5 = DigestOptions("bank", (MD5,))
    assert ask(server(with_md5), name="1002", password="old phone") == Verified(ACCOUNTS["1002"])
    refused = ask(server(with_md5))  # 1001 has the right password, but no key for MD5
    assert isinstance(refused, Challenged)
    assert refused.why is Why.WRONG
    digest = server()  # no MD5 here
    _, (challenge,) = challenged(digest)
    line = authorization(
        signed(replace(challenge, algorithm="MD5"), name="1002", password="old phone")
    )
    verdict, _ = challenged(digest, line)
    assert verdict.why is Why.ABSENT


def test_without_qop_only_where_place_and_account_allow_it_and_only_once() -> None:
    old = DigestOptions("bank", (MD5,), without_qop=True)
    digest = server(old)
    _, (challenge,) = challenged(digest)
    line = authorization(signed(challenge, name="1002", password="old phone", qop=""))
    assert isinstance(digest.check(request(line), PHONE, ACCOUNTS, 0.0), Verified)
    verdict, (again,) = challenged(digest, line)
    assert verdict.why is Why.STALE
    assert again.stale
    strict = ask(server(replace(old, without_qop=False)), name="1002", password="old phone", qop="")
    assert isinstance(strict, Challenged)
    assert strict.why is Why.ABSENT
    both = {"1002": replace(ACCOUNTS["1002"], without_qop=False)}
    digest = server(old)
    _, (challenge,) = challenged(digest)
    line = authorization(signed(challenge, name="1002", password="old phone", qop=""))
    assert isinstance(digest.check(request(line), PHONE, both, 0.0), Challenged)


def test_other_qualities_of_protection_count_as_nothing() -> None:
    verdict = ask(server(), qop="auth-int")
    assert isinstance(verdict, Challenged)
    assert verdict.why is Why.ABSENT


@pytest.mark.parametrize(
    "change",
    [
        {"response": "0" * 64}, {"response": "é\udcff"}, {"uri": "sip:bank;x"}, {"cnonce": "d"},
        {"nc": "00000002"}, {"username": "1002"}, {"username": "nobody"}, {"response": "0"},
    ],
    ids=str,
)  # fmt: skip
def test_anything_changed_is_wrong(change: dict[str, str]) -> None:
    digest = server()
    _, (challenge,) = challenged(digest)
    line = authorization(replace(signed(challenge), **change))
    made = request()
    made.headers["authorization"] = [line.removeprefix("Authorization: ")]
    verdict = digest.check(made, PHONE, ACCOUNTS, 0.0)
    assert isinstance(verdict, Challenged)
    assert verdict.why is Why.WRONG
    assert not read_challenges([verdict.headers[0][1]])[0].stale


def test_the_method_and_the_number_are_signed() -> None:
    digest = server()
    _, (challenge,) = challenged(digest)
    credentials = signed(challenge, method="INVITE", uri="sip:95500@bank")
    line = authorization(credentials)
    for other in (
        request(line, method="REGISTER", uri="sip:95500@bank"),
        request(line, method="INVITE", uri="sip:900123@bank"),
        request(line, method="INVITE", uri="sip:95500@elsewhere"),
    ):
        assert isinstance(digest.check(other, PHONE, ACCOUNTS, 0.0), Challenged)
    # The same place, written in another way.
    same = request(line, method="INVITE", uri="sip:%395500@BANK:5060;user=phone")
    assert isinstance(digest.check(same, PHONE, ACCOUNTS, 0.0), Verified)
    loose = server(DigestOptions("bank", same_uri=False))
    _, (challenge,) = challenged(loose)
    line = authorization(signed(challenge, method="INVITE", uri="sip:95500@bank"))
    rewritten = request(line, method="INVITE", uri="sip:95500@192.0.2.1")
    assert isinstance(loose.check(rewritten, PHONE, ACCOUNTS, 0.0), Verified)


def test_only_the_first_credentials_for_us_count() -> None:
    digest = server()
    _, (challenge,) = challenged(digest)
    right = signed(challenge)
    for_others = [
        authorization(replace(right, realm="elsewhere")),
        authorization(replace(right, algorithm="MD5")),
        "Authorization: NoOneKnowsThisScheme opaque-data=here",
        "Authorization: Digest broken",
    ]
    guess = authorization(replace(right, response="0" * 64))
    verdict, _ = challenged(digest, *for_others, guess, authorization(right))
    assert verdict.why is Why.WRONG
    answer = request(*for_others, authorization(right), guess)
    assert isinstance(digest.check(answer, PHONE, ACCOUNTS, 0.0), Verified)


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_what_cannot_be_challenged_is_not_asked(method: str) -> None:
    with pytest.raises(ValueError, match=method):
        server().check(request(method=method), PHONE, ACCOUNTS, 0.0)


# Nonces


def test_an_old_nonce_is_stale_even_with_the_right_password() -> None:
    digest = server(DigestOptions("bank", nonce_lifetime=30.0))
    _, (challenge,) = challenged(digest, now=100.0)
    good = request(authorization(signed(challenge)))
    assert isinstance(digest.check(good, PHONE, ACCOUNTS, 129.9), Verified)
    late = authorization(signed(challenge, nc="00000002"))
    verdict, (fresh,) = challenged(digest, late, now=130.1)
    assert (verdict.why, fresh.stale) == (Why.STALE, True)
    assert fresh.nonce != challenge.nonce
    assert isinstance(
        digest.check(request(authorization(signed(fresh))), PHONE, ACCOUNTS, 130.1), Verified
    )


def test_stale_says_nothing_about_the_password() -> None:
    digest = server()
    _, (challenge,) = challenged(digest)
    answers = []
    for password in ("open sesame", "wrong"):
        for name in ("1001", "nobody"):
            line = authorization(signed(challenge, name=name, password=password))
            verdict, (fresh,) = challenged(digest, line, source=OTHER)  # made for PHONE
            answers.append((verdict.why, fresh.stale))
    assert answers == [(Why.STALE, True)] * 4
    assert digest.counts()["sources"] == 0  # and is no failure: anybody can send it for anybody


FOREIGN = ["x", "", "A" * 40, "A" * 39 + "=", "é" * 40, "dcd98b7102dd2f0e8b11d0f600bfb0c093"]


@pytest.mark.parametrize("nonce", FOREIGN[:1] + FOREIGN[2:])
def test_nonces_of_others_are_stale(nonce: str) -> None:
    verdict, _ = challenged(server(), authorization(signed(Challenge("bank", nonce, "SHA-256"))))
    assert verdict.why is Why.STALE


def test_every_octet_of_a_nonce_counts() -> None:
    nonces = Nonces(KEY, "bank", lifetime=60, window=64, max_used=10)
    nonce = nonces.make(PHONE, 5.0)
    assert nonces.is_good(nonce, 1, PHONE, 5.0)
    for at in range(len(nonce)):
        for letter in "Aa0_-+/= ":
            other = nonce[:at] + letter + nonce[at + 1 :]
            assert other == nonce or not nonces.is_good(other, 1, PHONE, 5.0)
        assert not nonces.is_good(nonce[:at], 1, PHONE, 5.0)
    assert not nonces.is_good(nonce, 0, PHONE, 5.0)
    for key, realm, source in (
        (KEY + b"!", "bank", PHONE), (KEY, "bonk", PHONE), (KEY, "bank", (PHONE[0], 5063)),
        (KEY, "bank", ("192.0.2.2", 5062)),
    ):  # fmt: skip
        judge = Nonces(key, realm, lifetime=60, window=64, max_used=10)
        assert not judge.is_good(nonce, 1, source, 5.0)
    with pytest.raises(ValueError, match="octets"):
        Nonces(b"short", "bank", lifetime=60, window=64, max_used=10)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1e8), st.floats(0, 400))
def test_a_nonce_is_good_for_its_lifetime(now: float, age: float) -> None:
    nonces = Nonces(KEY, "bank", lifetime=300, window=64, max_used=10)
    nonce = nonces.make(PHONE, now)
    good = nonces.is_good(nonce, 1, PHONE, now + age)
    if age < 299.99:
        assert good
    elif age > 300.01:
        assert not good


def test_nonces_made_at_one_moment_differ() -> None:
    nonces = Nonces(KEY, "bank", lifetime=60, window=64, max_used=10)
    assert len({nonces.make(PHONE, 0.0) for _ in range(1_000)}) == 1_000
    assert len(nonces) == 0  # and nothing is kept of them


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 12))
def test_each_count_is_taken_once(counts: list[int], window: int) -> None:
    """Against a set that forgets nothing and a rule that needs no bits."""
    nonces = Nonces(KEY, "bank", lifetime=60, window=window, max_used=10)
    nonce, taken = nonces.make(PHONE, 0.0), set[int]()
    for count in counts:
        expected = count not in taken and count > max(taken, default=0) - window
        assert nonces.is_good(nonce, count, PHONE, 0.0) == expected
        if expected:
            nonces.use(nonce, count, PHONE, 0.0)
            taken.add(count)


def test_the_highest_counts() -> None:
    nonces = Nonces(KEY, "bank", lifetime=60, window=64, max_used=10)
    nonce = nonces.make(PHONE, 0.0)
    for count in (1, 2**32 - 1, 2**32 - 64):
        assert nonces.is_good(nonce, count, PHONE, 0.0)
        nonces.use(nonce, count, PHONE, 0.0)
    assert not nonces.is_good(nonce, 2**32 - 1, PHONE, 0.0)
    assert not nonces.is_good(nonce, 2**32 - 65, PHONE, 0.0)


def test_a_nonce_used_for_long_grows_no_bigger() -> None:
    nonces = Nonces(KEY, "bank", lifetime=60, window=64, max_used=10)
    nonce = nonces.make(PHONE, 0.0)
    for count in range(1, 2_000):
        nonces.use(nonce, count, PHONE, 0.0)
    assert nonces._used[nonce].seen.bit_length() <= 64  # no other way to see it than memory


def test_a_request_is_not_taken_twice() -> None:
    digest = server()
    _, (challenge,) = challenged(digest)
    line = authorization(signed(challenge))
    assert isinstance(digest.check(request(line), PHONE, ACCOUNTS, 0.0), Verified)
    verdict, (fresh,) = challenged(digest, line)
    assert (verdict.why, fresh.stale) == (Why.STALE, True)


def test_a_wrong_guess_uses_no_count_up() -> None:
    digest = server()
    _, (challenge,) = challenged(digest)
    challenged(digest, authorization(signed(challenge, password="wrong")))
    line = authorization(signed(challenge))
    assert isinstance(digest.check(request(line), PHONE, ACCOUNTS, 0.0), Verified)


def test_used_nonces_are_bounded_and_none_comes_to_life_again() -> None:
    digest = server(DigestOptions("bank", max_used_nonces=10, nonce_lifetime=100.0))
    lines = []
    for second in range(50):
        _, (challenge,) = challenged(digest, now=float(second))
        lines.append(authorization(signed(challenge)))
        answer = request(lines[-1])
        assert isinstance(digest.check(answer, PHONE, ACCOUNTS, float(second)), Verified)
        assert digest.counts()["nonces"] <= 10
    for line in lines:
        assert challenged(digest, line, now=50.0)[0].why is Why.STALE
    _, (challenge,) = challenged(digest, now=500.0)
    answer = request(authorization(signed(challenge)))
    assert isinstance(digest.check(answer, PHONE, ACCOUNTS, 500.0), Verified)
    assert digest.counts()["nonces"] == 1  # what is too old is not kept


# Nobody learns who is a user


def steps(act: Callable[[], object]) -> list[str]:
    """Every function called, ours and the hash functions', in order."""
    seen: list[str] = []

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            seen.append(frame.f_code.co_qualname)
        elif event == "c_call":
            seen.append(str(getattr(arg, "__qualname__", arg)))

    before = sys.getprofile()
    gc.disable()  # what a collection calls belongs to nobody's steps
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
        gc.enable()
    return seen


def shape(verdict: Challenged) -> tuple[int, list[tuple[str, str]]]:
    """An answer with its nonce blotted out."""
    hidden = [(n, re.sub('nonce="[^"]{40}"', "nonce=", v)) for n, v in verdict.headers]
    assert "nonce=," in hidden[0][1]
    return verdict.status, hidden


@pytest.mark.parametrize("failures", [0, 3, 20])
@pytest.mark.parametrize("algorithm", [SHA_256, MD5])
def test_known_and_unknown_users_look_the_same(failures: int, algorithm: Algorithm) -> None:
    """Same headers and same steps, for a user, for one without a key of that algorithm, and for a
    name that is none; before and while they are held."""
    looks = []
    for name in ("1001", "1002", "9999", "'; drop table", "王"):
        digest = server(DigestOptions("bank", (algorithm,)))
        for second in range(failures):
            ask(digest, now=float(second), name=name, password="guess")
        _, (challenge,) = challenged(digest, now=20.0)
        guess = request(authorization(signed(challenge, name=name, password="guess")))
        verdicts: list[Verified | Challenged] = []

        def act(
            digest: DigestServer = digest, guess: Request = guess,
            verdicts: list[Verified | Challenged] = verdicts,
        ) -> None:  # fmt: skip
            verdicts.append(digest.check(guess, PHONE, ACCOUNTS, 20.0))

        called = steps(act)
        (verdict,) = verdicts
        assert isinstance(verdict, Challenged)
        assert verdict.why is (Why.HELD if failures == 20 else Why.WRONG)
        assert any("compare_digest" in step for step in called)
        looks.append((shape(verdict), called))
    for look, called in looks:
        assert look == looks[0][0]
        assert called == looks[0][1]


def test_a_challenge_does_not_depend_on_the_name() -> None:
    digest = server(DigestOptions("bank", (SHA_256, MD5)))
    plain, _ = challenged(digest)
    for name in ("1001", "1002", "9999"):
        wrong = ask(digest, name=name, password="guess")
        assert isinstance(wrong, Challenged)
        assert shape(wrong) == shape(plain)


# Too many wrong passwords


def test_a_guesser_is_held_and_the_right_password_does_not_show() -> None:
    digest = server()
    for second in range(6):
        ask(digest, OTHER, float(second), password="guess")
    held = ask(digest, OTHER, 6.0)  # the right one, too late
    assert isinstance(held, Challenged)
    assert held.why is Why.HELD
    assert isinstance(ask(digest, OTHER, 7.1), Verified)


def test_a_phone_is_not_shut_out_by_guesses_from_elsewhere() -> None:
    digest = server()
    assert isinstance(ask(digest), Verified)
    for second in range(200):
        ask(digest, (f"198.51.100.{second}", 5060), float(second), password="guess")
        assert isinstance(ask(digest, PHONE, float(second)), Verified)
        # Nor a neighbour behind the same address translation, with a wrong password of his own.
        ask(digest, (PHONE[0], 7000), float(second), name="1002", password="guess")
    strange = ask(digest, OTHER, 200.0)
    assert isinstance(strange, Challenged)
    assert strange.why is Why.HELD


def test_nobody_is_held_for_what_others_send_in_his_name() -> None:
    """Without the nonces made for him, which go to him, no failure of his can be forged."""
    digest = server()
    for _ in range(100):
        _, (challenge,) = challenged(digest, source=OTHER)
        line = authorization(signed(challenge, password="guess"))
        verdict, _ = challenged(digest, line, source=PHONE)
        assert verdict.why is Why.STALE
    assert isinstance(ask(digest), Verified)


def test_names_that_are_none_take_one_place() -> None:
    """Inventing names must not push out what is counted against an account."""
    digest = server()
    for number in range(50):
        ask(digest, (f"198.51.100.{number}", 5060), name=f"no{number}", password="guess")
    ask(digest, OTHER, password="guess")
    assert digest.counts()["accounts"] == 2


def test_ten_thousand_wrong_passwords() -> None:
    digest = server(max_kept=500)
    for number in range(10_000):
        source = (f"198.51.{number % 250}.{number // 250 % 250}", 5060)
        ask(digest, source, number / 100, name=str(number % 2_000), password="guess")
    assert max(digest.counts().values()) <= 500
    assert digest.counts()["nonces"] == 0


# Whatever comes in


def _truncated() -> list[str]:
    _, (challenge,) = challenged(server())
    line = authorization(signed(challenge))
    return [line[:end] for end in range(len("Authorization:"), len(line))]


def test_truncation_at_every_character() -> None:
    digest = server()
    for line in _truncated():
        assert isinstance(digest.check(request(line), PHONE, ACCOUNTS, 0.0), Challenged)


FIELDS: Mapping[str, st.SearchStrategy[str]] = {
    name: st.text(
        st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"])
        | st.integers(0xDC80, 0xDCFF).map(chr),  # octets that are no UTF-8, as the parser has them
        min_size=1,
        max_size=30,
    )
    for name in ("username", "realm", "nonce", "uri", "response", "cnonce", "opaque")
}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_field_may_be_anything(data: st.DataObject) -> None:
    digest = server(DigestOptions("bank", (SHA_256, MD5), without_qop=True))
    _, (challenge, _) = challenged(digest)
    names = data.draw(st.sets(st.sampled_from(sorted(FIELDS)), min_size=1))
    changed = replace(signed(challenge), **{name: data.draw(FIELDS[name]) for name in names})
    made = request()
    made.headers["authorization"] = [changed.written()]
    verdict = digest.check(made, PHONE, ACCOUNTS, 0.0)
    same = replace(changed, opaque=None) == signed(challenge)
    assert isinstance(verdict, Verified) == same


@pytest.mark.parametrize(
    "options",
    [{"algorithms": ()}, {"nonce_lifetime": 0}, {"window": 0}, {"max_used_nonces": 0}],
    ids=str,
)
def test_options_that_cannot_be(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="sip digest"):
        DigestOptions("bank", **options)  # type: ignore[arg-type]
