"""SRTP contexts: known octets, each suite both ways, keys that stay and keys that change."""

import pytest

from support.media_secure import PROFILES, SHA1_80, SecurePeer, sdes, session
from telebank import wire
from telebank.media import srtp
from telebank.media.srtp import SUITES, Srtp
from telebank.rtp import Packet, build

POLICY = srtp.Policy


def packet(sequence: int, ssrc: int = 7) -> bytes:
    return build(Packet(8, False, sequence, 160 * sequence, ssrc, bytes([sequence % 251]) * 160))


def leg(keys: wire.SdesKeys) -> Srtp:
    made = Srtp()
    made.agree(keys.suite, keys.send, keys.receive)
    return made


def sent(made: Srtp, *packets: bytes) -> list[bytes]:
    out: list[bytes] = []
    send = made.sender(lambda view: out.append(bytes(view)))
    for each in packets:
        send(memoryview(each))
    return out


def test_the_octets_are_those_of_libsrtps_own_vector() -> None:
    key = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6")
    made = Srtp()
    made.agree(SHA1_80, key, bytes(30))
    clear = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
    assert sent(made, clear)[0].hex() == (
        "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"
    )


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_goes_both_ways_and_knows_forgeries_and_replays(suite: str) -> None:
    keys = sdes(suite)
    ours = leg(keys)
    into = session(suite, keys.send, POLICY.SSRC_ANY_INBOUND)
    (sealed,) = sent(ours, packet(1))
    assert packet(1)[12:] not in sealed
    assert into.unprotect(sealed) == packet(1)
    out = session(suite, keys.receive, POLICY.SSRC_ANY_OUTBOUND)
    good = out.protect(packet(1))
    for at in range(len(good)):
        assert ours.unprotect(good[:at]) is None
        assert ours.unprotect(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :]) is None
    assert ours.unprotect(packet(1)) is None
    assert ours.unprotect(good + bytes(1_500)) is None
    assert ours.unprotect(good) == packet(1)
    assert ours.unprotect(good) is None
    report = bytes([0x81, 203, 0, 1, 0, 0, 0, 9])
    sealed = out.protect_rtcp(report)
    assert ours.unprotect(sealed[:-1]) is None
    assert ours.unprotect(sealed) == report
    assert ours.unprotect_rtcp(sealed) is None
    assert into.unprotect_rtcp(ours.protect_rtcp(report)) == report


def test_the_same_key_again_goes_on_and_another_begins() -> None:
    first, second = sdes(seed=1), sdes(seed=2)
    ours = leg(first)
    (before,) = sent(ours, packet(5))
    out = session(SHA1_80, first.receive, POLICY.SSRC_ANY_OUTBOUND)
    heard = out.protect(packet(9))
    assert ours.unprotect(heard)
    ours.agree(first.suite, first.send, first.receive)
    assert ours.unprotect(heard) is None
    ours.agree(first.suite, first.send, second.receive)
    assert sent_error(ours, packet(5))  # the sending context knows that it was used
    other = session(SHA1_80, second.receive, POLICY.SSRC_ANY_OUTBOUND)
    assert ours.unprotect(other.protect(packet(9)))
    assert ours.unprotect(out.protect(packet(10))) is None
    ours.agree(second.suite, second.send, second.receive)
    assert sent(ours, packet(5)) != [before]
    ours.agree(first.suite, first.send, second.receive)  # an old key comes back: no old counter
    assert sent_error(ours, packet(5))
    assert sent(ours, packet(6))


def sent_error(made: Srtp, data: bytes) -> bool:
    try:
        sent(made, data)
    except OSError:
        return True
    return False


def test_what_is_no_key_is_refused_with_words() -> None:
    keys = sdes()
    for suite, send, receive in [
        ("F8_128_HMAC_SHA1_80", keys.send, keys.receive),
        (SHA1_80, keys.send[1:], keys.receive),
        (SHA1_80, keys.send, keys.receive + b"1"),
        (SHA1_80, keys.send, keys.send),
    ]:
        with pytest.raises(ValueError, match=r"suite|octets|own"):
            Srtp().agree(suite, send, receive)
    ours = Srtp()
    for number in range(srtp.MAX_KEYS):
        ours.agree(SHA1_80, bytes([number]) * 30, keys.receive)
    with pytest.raises(ValueError, match="more than"):
        ours.agree(SHA1_80, keys.send, keys.receive)


def test_a_peer_of_too_many_sources_is_not_heard_and_costs_no_memory() -> None:
    keys = sdes()
    ours = leg(keys)
    out = session(SHA1_80, keys.receive, POLICY.SSRC_ANY_OUTBOUND)
    forger = session(SHA1_80, keys.send, POLICY.SSRC_ANY_OUTBOUND)
    for ssrc in range(1, 200):  # those that are not authentic do not count
        assert ours.unprotect(forger.protect(packet(1, 1_000 + ssrc))) is None
    heard = [ours.unprotect(out.protect(packet(1, ssrc))) for ssrc in range(1, 200)]
    assert sum(each is not None for each in heard) == srtp.MAX_SOURCES
    assert ours.unprotect(out.protect(packet(2, 1)))


@pytest.mark.parametrize("gap", [64, 640, 30_000])
def test_the_rollover_is_followed_by_few_packets(gap: int) -> None:
    """As a narrowed filter shows them."""
    keys = sdes()
    ours = leg(keys)
    out = session(SHA1_80, keys.receive, POLICY.SSRC_ANY_OUTBOUND)
    heard = 0
    for index in range(1_024, 400_000, 64):
        sealed = out.protect(packet(index & 0xFFFF))
        if index % gap < 64:
            assert ours.unprotect(sealed)
            heard += 1
    assert heard > 10


def test_reprs_tell_no_key() -> None:
    assert set(PROFILES) == set(SUITES)
    peer = SecurePeer(1, sdes())
    assert repr(peer.keys.send)[2:-1] not in repr(peer.keys)
    peer.close()
