"""What a receiver makes of losses, repeats, another order, new beginnings, and nonsense."""

import random
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fax.udptl import MalformedUdptl, Receiver, Sender, encode


def ifp(number: int) -> bytes:
    return number.to_bytes(2, "big") + bytes(number % 7)


def sent(count: int, redundancy: int = 3) -> list[bytes]:
    sender = Sender(redundancy)
    return [sender.packet(ifp(number)) for number in range(count)]


def received(datagrams: list[bytes], receiver: Receiver | None = None) -> list[tuple[int, bytes]]:
    one = receiver or Receiver()
    return [given for datagram in datagrams for given in one.receive(datagram)]


def numbered(first: int, last: int) -> list[tuple[int, bytes]]:
    return [(number, ifp(number)) for number in range(first, last)]


def test_in_order_each_is_given_once() -> None:
    assert received(sent(50)) == numbered(0, 50)


def test_three_losses_in_a_row_are_repaired_oldest_first() -> None:
    datagrams = sent(10)
    assert received(datagrams[:4] + datagrams[7:]) == numbered(0, 10)


def test_four_losses_in_a_row_leave_one_out() -> None:
    datagrams = sent(10)
    assert received(datagrams[:4] + datagrams[8:]) == numbered(0, 4) + numbered(5, 10)


def test_the_first_that_comes_brings_those_before_it() -> None:
    assert received(sent(10)[2:]) == numbered(0, 10)
    assert received(sent(10)[5:]) == numbered(2, 10)


def test_repeats_and_late_ones_are_dropped() -> None:
    datagrams = sent(10)
    again = [datagrams[at] for at in (0, 1, 1, 3, 2, 4, 4, 3, 2, 1, 5, 9, 6, 7, 8)]
    assert received(again) == numbered(0, 10)


@given(st.integers(0, 2**32), st.floats(0, 0.3), st.integers(0, 4))
def test_any_order_any_loss_gives_rising_numbers_and_true_packets(
    seed: int, loss: float, jitter: int
) -> None:
    dice = random.Random(seed)
    flights = [
        (at + dice.randint(0, jitter), at, datagram)
        for at, datagram in enumerate(sent(60))
        for _ in range(dice.choice((1, 1, 2)))
        if dice.random() >= loss
    ]
    given_ = received([datagram for _, _, datagram in sorted(flights)])
    numbers = [number for number, _ in given_]
    assert numbers == sorted(set(numbers))
    assert all(packet == ifp(number) for number, packet in given_)


def test_numbers_pass_65535() -> None:
    receiver = Receiver()
    datagrams = [encode(at % 65536, ifp(at % 65536)) for at in range(65530, 65545)]
    assert [number for number, _ in received(datagrams, receiver)] == [
        *range(65530, 65536),
        *range(9),
    ]


@pytest.mark.parametrize("before", [20, 300, 5000])
def test_a_peer_that_counts_from_zero_again_is_followed(before: int) -> None:
    """Ours go on rising, with one number left out for what may have been lost."""
    receiver = Receiver()
    assert received(sent(before), receiver) == numbered(0, before)
    sender = Sender()
    after = received([sender.packet(b"anew" + ifp(number)) for number in range(40)], receiver)
    assert [number for number, _ in after] == list(range(before + 1, before + 41))
    assert [packet for _, packet in after] == [b"anew" + ifp(number) for number in range(40)]


@pytest.mark.parametrize("redundancy", [0, 3])
@pytest.mark.parametrize("late", [10, 12, 40])
def test_many_late_ones_in_order_are_not_given_again(late: int, redundancy: int) -> None:
    """A route that held them back lets go of them at once, behind those of another."""
    datagrams = sent(200, redundancy)
    early = 100 + late
    order = [*range(100), *range(early, early + 4), *range(100, early), *range(early + 4, 200)]
    numbers = [number for number, _ in received([datagrams[at] for at in order])]
    assert numbers == [*range(100), *range(early - redundancy, 200)]


@pytest.mark.parametrize("count", [10, 60])
def test_a_replay_of_what_came_is_not_given_again(count: int) -> None:
    datagrams = sent(100)
    replayed = [*datagrams, *datagrams[100 - count :], encode(100, ifp(100))]
    assert received(replayed) == numbered(0, 101)


def test_a_single_stray_far_away_changes_nothing() -> None:
    receiver = Receiver()
    datagrams = sent(10)
    assert received(datagrams[:5], receiver) == numbered(0, 5)
    assert received([encode(40000, b"stray")], receiver) == []
    assert received(datagrams[5:], receiver) == numbered(5, 10)


def test_what_is_malformed_changes_nothing() -> None:
    receiver = Receiver()
    datagrams = sent(10)
    assert received(datagrams[:5], receiver) == numbered(0, 5)
    with pytest.raises(MalformedUdptl):
        receiver.receive(datagrams[5][:-1])
    assert received(datagrams[5:], receiver) == numbered(5, 10)


# Forward error correction, as a peer may send it.


def with_parity(count: int, span: int, entries: int) -> list[bytes]:
    """Datagrams whose parity m of n covers s + m - span * n, then every n-th, below s + m."""
    datagrams = []
    for s in range(count):
        parities = []
        for m in range(entries):
            covered = range(s + m - span * entries, s + m, entries)
            parities.append(reduce(exclusive_or, (ifp(at) if at >= 0 else b"" for at in covered)))
        plain = encode(s, ifp(s), parities)
        at = 2 + 1 + len(ifp(s))
        datagrams.append(plain[:at] + bytes([0x80, 1, span]) + plain[at + 1 :])
    return datagrams


def exclusive_or(one: bytes, other: bytes) -> bytes:
    length = max(len(one), len(other))
    pairs = zip(one.ljust(length, b"\0"), other.ljust(length, b"\0"), strict=True)
    return bytes(a ^ b for a, b in pairs)


def zeros_aside(given_: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """A packet from a parity may have zeros behind it: the longest of its span gives its length."""
    return [(number, packet.rstrip(b"\0")) for number, packet in given_]


@pytest.mark.parametrize(("span", "entries"), [(1, 1), (3, 1), (3, 3), (2, 4)])
def test_parity_gives_a_lost_packet_back(span: int, entries: int) -> None:
    datagrams = with_parity(40, span, entries)
    kept = [datagram for at, datagram in enumerate(datagrams) if at < 15 or at % 15]
    assert zeros_aside(received(kept)) == zeros_aside(numbered(0, 40))


def test_parities_give_back_as_many_as_there_are() -> None:
    datagrams = with_parity(40, 3, 3)
    kept = datagrams[:20] + datagrams[23:]
    assert zeros_aside(received(kept)) == zeros_aside(numbered(0, 40))


def test_an_absurd_parity_is_passed_over() -> None:
    datagram = bytes.fromhex("0000 01 aa 80 01 ff 03 01 11 01 22 01 33")
    assert Receiver().receive(datagram) == [(0, b"\xaa")]


@given(st.lists(st.binary(max_size=60), max_size=60))
def test_nonsense_is_no_trouble(datagrams: list[bytes]) -> None:
    receiver = Receiver()
    for datagram in datagrams:
        try:
            receiver.receive(datagram)
        except MalformedUdptl:
            continue
