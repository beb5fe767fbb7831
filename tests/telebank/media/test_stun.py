"""STUN and ICE-lite: the octets of RFC 5769, what checks are refused, and nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.media_dtls import attribute, check
from telebank.media import ice, stun
from telebank.media.ice import IceLite

HERE, THERE = ("192.0.2.1", 32_853), ("2001:db8:1234:5678:11:2233:4455:6677", 32_853)
PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
# RFC 5769 section 2.1: its padding is spaces, and its software attribute "STUN test client"
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
# section 2.2, IPv4; its padding is a space
RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)


def lite() -> IceLite:
    return IceLite("ours", "p" * 24, "theirs")


def code(answer: bytes | None) -> int:
    assert answer is not None
    message = stun.parse(answer)
    if message.kind == stun.BINDING_SUCCESS:
        return 200
    value = message.attributes[stun.ERROR_CODE]
    return value[2] * 100 + value[3]


def good(**changed: object) -> bytes:
    return check("ours:theirs", "p" * 24, **changed)


def test_the_request_of_rfc_5769_is_read_and_authentic() -> None:
    message = stun.parse(REQUEST)
    assert (message.kind, message.transaction) == (stun.BINDING_REQUEST, TRANSACTION)
    assert message.attributes[stun.USERNAME] == b"evtj:h6vY"
    assert message.attributes[stun.PRIORITY] == bytes.fromhex("6e0001ff")
    assert message.authentic(PASSWORD.encode())
    assert not message.authentic(b"another")


def test_the_response_of_rfc_5769_is_read_and_its_address_is_ours() -> None:
    message = stun.parse(RESPONSE)
    assert message.authentic(PASSWORD.encode())
    assert message.attributes[stun.XOR_MAPPED_ADDRESS] == stun.xor_address(HERE, TRANSACTION)
    # section 2.3: IPv6
    wanted = "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    assert stun.xor_address(THERE, TRANSACTION).hex() == wanted


def test_what_is_built_has_the_digests_of_rfc_5769() -> None:
    software = {0x8022: b"test vector", 0x0020: stun.xor_address(HERE, TRANSACTION)}
    made = stun.build(stun.BINDING_SUCCESS, TRANSACTION, software, PASSWORD.encode())
    assert len(made) == len(RESPONSE)
    assert stun.parse(made).authentic(PASSWORD.encode())
    assert made[:35] == RESPONSE[:35]


def test_every_bit_of_a_check_counts() -> None:
    for at in range(len(REQUEST) * 8):
        spoilt = bytearray(REQUEST)
        spoilt[at // 8] ^= 1 << at % 8
        with pytest.raises(stun.MalformedStun):
            stun.parse(bytes(spoilt))
    for at in range(len(REQUEST)):
        with pytest.raises(stun.MalformedStun):
            stun.parse(REQUEST[:at])
    with pytest.raises(stun.MalformedStun):
        stun.parse(REQUEST + bytes(4))


@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_nonsense_is_malformed_or_read(tail: bytes, kind: int) -> None:
    for body in (tail, tail[: len(tail) & ~3]):
        head = kind.to_bytes(2, "big") + (len(body) + 8).to_bytes(2, "big")
        data = head + bytes.fromhex("2112a442") + bytes(12) + body
        for whole in (tail, data, data + stun._fingerprint(data)):
            try:
                message = stun.parse(whole)
            except stun.MalformedStun:
                continue
            assert sum(map(len, message.attributes.values())) <= len(tail)
            assert not message.authentic(b"password")
        lite().receive(data + stun._fingerprint(data), HERE, 0.0)


def test_a_good_check_is_answered_and_nominates() -> None:
    made = lite()
    answer = made.receive(good(nominate=False), HERE, 0.0)
    assert code(answer) == 200
    assert (made.nominated, made.passed(HERE), made.passed(THERE)) == (None, True, False)
    message = stun.parse(answer or b"")
    assert message.authentic(b"p" * 24)
    place = message.attributes[stun.XOR_MAPPED_ADDRESS]
    assert place == stun.xor_address(HERE, message.transaction)
    assert code(made.receive(good(), THERE, 0.1)) == 200
    assert made.nominated == THERE
    made.receive(good(), HERE, 0.2)
    assert made.nominated == HERE


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (check("ours:theirs", "q" * 24), 401),
        (check("ours:others", "p" * 24), 401),
        (check("theirs:ours", "p" * 24), 401),
        (check("", "p" * 24), 401),
        (good(controlling=False), 487),
        (good(extra=attribute(0x7777, b"?")), 420),
        (good(extra=attribute(0x9777, b"?")), 200),
        (stun.build(1, bytes(12), {stun.USERNAME: b"ours:theirs"}, None), 400),
        (stun.build(1, bytes(12), {}, b"p" * 24), 400),
    ],
    ids=[
        "another_password",
        "another_user",
        "names_turned_round",
        "no_name",
        "both_controlled",
        "an_attribute_that_must_be_known",
        "an_attribute_that_need_not_be",
        "not_signed",
        "signed_by_nobody",
    ],
)
def test_checks_are_refused_as_the_rfc_says(data: bytes, wanted: int) -> None:
    made = lite()
    assert code(made.receive(data, HERE, 0.0)) == wanted
    if wanted != 200:
        assert (made.nominated, made.passed(HERE)) == (None, False)


def test_what_is_no_check_is_met_with_silence() -> None:
    made = lite()
    for data in (
        good(fingerprint=False),
        stun.build(0x0011, bytes(12), {}, b"p" * 24),
        stun.build(stun.BINDING_SUCCESS, bytes(12), {}, b"p" * 24),
        stun.build(3, bytes(12), {}, b"p" * 24),
        b"\x00",
    ):
        assert made.receive(data, HERE, 0.0) is None


def test_answers_have_a_limit_a_second_and_strangers_do_not_use_it_up() -> None:
    made = lite()
    bad = check("ours:theirs", "q" * 24)
    refused = [made.receive(bad, THERE, 5.0 + n / 1_000) for n in range(900)]
    assert sum(each is not None for each in refused) == ice.REFUSALS_A_SECOND
    answers = [made.receive(good(), HERE, 5.9) for _ in range(200)]
    assert sum(each is not None for each in answers) == ice.ANSWERS_A_SECOND
    assert made.receive(good(), HERE, 6.0) is not None
    assert made.receive(bad, HERE, 6.0) is not None


def test_few_addresses_are_remembered_and_the_nominated_one_always() -> None:
    made = lite()
    made.receive(good(), HERE, 0.0)
    for port in range(1, 100):
        assert made.receive(good(nominate=False), ("192.0.2.9", port), float(port))
    assert made.passed(HERE)
    assert made.nominated == HERE
    known = [port for port in range(1, 100) if made.passed(("192.0.2.9", port))]
    assert known == list(range(101 - ice.MAX_PATHS, 100))


def test_a_restart_has_other_words_and_keeps_the_path() -> None:
    made = lite()
    made.receive(good(), HERE, 0.0)
    made.restart("new", "n" * 24, "newer")
    assert made.nominated == HERE
    assert code(made.receive(good(), THERE, 1.0)) == 401
    assert code(made.receive(check("new:newer", "n" * 24), THERE, 1.0)) == 200
    assert made.nominated == THERE
