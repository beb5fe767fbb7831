"""Handshakes without a network: bad datagrams at every octet, what peers may send."""

import pytest

from support.media_dtls import SUITE_OF, DtlsEnd, identity
from telebank.media import dtls
from telebank.media.dtls import MTU, DtlsFailed, Handshake, Identity
from telebank.media.handshakes import A_TICK, MOST_WAITING, MOST_WAITING_EACH, Handshakes
from telebank.rtp import Address
from telebank.wire import Identify

HERE = ("127.0.0.1", 4)


@pytest.fixture(scope="module")
def ours() -> Identity:
    return Identity(*identity("worker")[:2])


def run(made: Handshake, end: DtlsEnd, spoil: object = lambda data: [data]) -> None:
    """Until both are done; `spoil` turns each datagram to us into those that come."""
    made.begin()
    to_end = made.taken()
    to_us = end.step() if end.active else []
    for _ in range(20):
        for data in to_us:
            for each in spoil(data):
                made.receive(each)
        to_end += made.taken()
        to_us = [each for data in to_end for each in end.step(data)]
        to_end = []
        if end.done and made.keys is not None and not to_us:
            return
    raise AssertionError("no end of it")


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("profile", SUITE_OF)
def test_both_sides_have_the_same_keys(ours: Identity, active: bool, profile: bytes) -> None:
    end = DtlsEnd(active=not active, profiles=profile)
    made = Handshake(ours, identity("peer")[2].lower(), active=active)
    run(made, end)
    keys = end.keys()
    assert made.keys == (keys.suite, keys.send, keys.receive)
    assert made.keys.send != made.keys.receive
    assert made.keys.send.hex() not in repr(made.keys)


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("step", range(4))
def test_cut_and_doubled_datagrams_change_nothing(ours: Identity, active: bool, step: int) -> None:
    for at in range(step, 900, 4):

        def spoil(data: bytes, at: int = at) -> list[bytes]:
            return [data[:at], data, data]

        end = DtlsEnd(active=not active)
        made = Handshake(ours, identity("peer")[2], active=active, proven=at % 8 > 4)
        run(made, end, spoil)
        assert made.keys is not None
        assert made.keys.send == end.keys().send


def test_octets_after_the_end_change_nothing(ours: Identity) -> None:
    end = DtlsEnd(active=True)
    made = Handshake(ours, identity("peer")[2], active=False)
    run(made, end)
    keys = made.keys
    end.ssl.shutdown()
    for data in [*end.out(), *DtlsEnd(active=True).step(), bytes([22]) * 90, b"", bytes(1_400)]:
        made.receive(data)
    assert made.keys == keys


@pytest.mark.parametrize("active", [True, False])
def test_a_stranger_and_a_peer_without_a_suite_fail(ours: Identity, active: bool) -> None:
    with pytest.raises(DtlsFailed, match="certificate"):
        run(Handshake(ours, identity("x")[2], active=active), DtlsEnd(active=not active))
    with pytest.raises(DtlsFailed, match="suite"):
        run(
            Handshake(ours, identity("peer")[2], active=active),
            DtlsEnd(active=not active, profiles=b""),
        )


def test_a_peer_may_not_send_for_ever_and_flights_are_cut_to_the_mtu(ours: Identity) -> None:
    made = Handshake(ours, identity("peer")[2], active=False, proven=True)
    (hello,) = DtlsEnd(active=True).step()
    made.receive(hello)
    flight = made.taken()
    assert flight
    assert all(len(each) <= MTU for each in flight)
    for _ in range(dtls.MAX_DATAGRAMS):
        made.receive(bytes([22, 254, 253]) + bytes(300))
    end = DtlsEnd(active=True)
    for data in end.step():
        made.receive(data)  # too late: it is not even looked at
    assert made.taken() == []


def test_a_hello_with_a_forged_source_spoils_nothing(ours: Identity) -> None:
    made = Handshake(ours, identity("peer")[2], active=False)
    forger, asks = DtlsEnd(active=True), 0
    (hello,) = forger.step()
    for _ in range(2 * dtls.MAX_DATAGRAMS):  # and costs none of what the peer may send
        made.receive(hello, "peer")
        (ask,) = made.taken()
        asks += len(ask) < len(hello)
    assert asks == 2 * dtls.MAX_DATAGRAMS
    (cookied,) = forger.step(ask)
    made.receive(cookied, "elsewhere")  # a cookie is good for the address that it went to
    assert len(made.taken()[0]) == len(ask)
    end = DtlsEnd(active=True)
    run(made, end)
    assert made.keys is not None
    assert made.keys.send == end.keys().send
    made.forget()
    made.receive(hello)
    made.wake()
    assert (made.taken(), made.keys.send) == ([], end.keys().send)


def test_a_certificate_and_its_key_must_be_a_pair() -> None:
    certificate, _, _ = identity("worker")
    _, key, _ = identity("peer")
    for pair in [(certificate, key), (b"", b""), (certificate, b"none"), (key, certificate)]:
        with pytest.raises(ValueError, match="pair"):
            Identity(*pair)


class Party:
    number = 1

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.woken = 0

    def take(self, data: bytes, address: Address, now: float) -> None:
        self.taken.append(data)

    def wake(self, now: float) -> None:
        self.woken += 1


def test_a_tick_takes_few_datagrams_and_none_of_those_who_left() -> None:
    desk = Handshakes(lambda _, act, *given: act(*given))
    with pytest.raises(ValueError, match="Identify"):
        desk.begin(Party(), "00", active=False)
    desk.identify(Identify(certificate=identity("worker")[0], key=identity("worker")[1]))
    storm, other, gone, never = Party(), Party(), Party(), Party()
    for party in (storm, other, gone):
        desk.begin(party, identity("peer")[2], active=False)
    for _ in range(1_000):
        desk.hand(storm, b"hello", HERE)
    desk.hand(gone, b"hello", HERE)
    desk.hand(other, b"hello", HERE)
    desk.hand(never, b"hello", HERE)
    desk.leave(gone)
    assert desk.dropped == 1_000 - MOST_WAITING_EACH + 1
    desk.tick(1.0)
    assert (len(storm.taken), storm.woken) == (A_TICK, 1)
    desk.tick(1.001)
    desk.tick(1.002)
    desk.tick(1.003)
    assert len(storm.taken) == MOST_WAITING_EACH
    assert (len(other.taken), len(gone.taken), len(never.taken), other.woken) == (1, 0, 0, 1)
    crowd = [Party() for _ in range(100)]
    for party in crowd:
        desk.begin(party, identity("peer")[2], active=False)
        for _ in range(MOST_WAITING_EACH):
            desk.hand(party, b"hello", HERE)
    for _ in range(300):
        desk.tick(2.0)
    assert sum(len(party.taken) for party in crowd) == MOST_WAITING
