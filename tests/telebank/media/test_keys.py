"""The RFC 4733 receiver: one key a press under repeats, loss, reordering and odd senders."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.media.keys import (
    A_SECOND,
    AT_ONCE,
    DIGITS,
    SHORTEST,
    KeyRate,
    KeyReceiver,
    TelephoneEvent,
    build_event,
    parse_event,
)
from telebank.rtp import Packet


def press(
    digit: str, timestamp: int, updates: int = 3, ends: int = 3, ssrc: int = 1
) -> list[Packet]:
    code, packets = DIGITS.index(digit), []
    for index in range(updates + ends):
        event = TelephoneEvent(code, index >= updates, 10, 160 * min(index + 1, updates + 1))
        packets.append(Packet(101, index == 0, index, timestamp, ssrc, build_event(event)))
    return packets


def keys(packets: list[Packet], receiver: KeyReceiver | None = None) -> str:
    receiver = receiver or KeyReceiver()
    return "".join(digit for packet in packets if (digit := receiver.receive(packet)))


def test_a_key_is_reported_at_its_first_packet_and_once() -> None:
    receiver = KeyReceiver()
    packets = press("7", 1_000)
    assert receiver.receive(packets[0]) == "7"
    assert keys(packets[1:], receiver) == ""


@pytest.mark.parametrize("kept", range(6))
def test_any_single_packet_of_a_press_is_enough(kept: int) -> None:
    assert keys([press("#", 0xFFFFFF00)[kept]]) == "#"


def test_same_digit_twice_is_two_keys() -> None:
    assert keys(press("5", 1_000) + press("5", 3_000)) == "55"


def test_all_digits() -> None:
    packets = [packet for i, d in enumerate(DIGITS) for packet in press(d, 2_000 * i)]
    assert keys(packets) == DIGITS


def test_late_packets_of_an_earlier_press_are_repeats() -> None:
    first, second = press("1", 1_000), press("2", 3_000)
    assert keys([*first[:3], *second[:2], *first[3:], *second[2:]]) == "12"


def test_a_press_wholly_overtaken_is_dropped_and_counted_once() -> None:
    receiver = KeyReceiver()
    assert keys(press("2", 3_000) + press("1", 1_000), receiver) == "2"
    assert receiver.overtaken == 1


def test_a_long_press_is_one_key() -> None:
    assert keys(press("9", 1_000, ends=0) + press("9", 1_000 + 0xFFFF)) == "9"
    assert keys(press("9", 1_000, ends=0) + press("8", 1_000 + 0xFFFF)) == "98"


def test_the_timestamp_may_wrap() -> None:
    assert keys(press("1", 0xFFFFFF00) + press("2", 0x400)) == "12"


def test_a_peer_that_begins_anew_is_heard() -> None:
    assert keys(press("1", 900_000) + press("2", 100_000)) == "12"
    assert keys(press("1", 9_000) + press("2", 8_000, ssrc=2)) == "12"


@pytest.mark.parametrize(("apart", "told"), [(1, 7), (SHORTEST - 1, 1_000), (SHORTEST, 2_000)])
def test_presses_closer_than_any_press_are_none(apart: int, told: int) -> None:
    """Two thousand of them, a packet each."""
    receiver = KeyReceiver()
    event = build_event(TelephoneEvent(1, False, 10, 160))
    flood = [Packet(101, False, n & 0xFFFF, n * apart, 1, event) for n in range(2_000)]
    assert len(keys(flood, receiver)) == told
    assert receiver.crowded == 2_000 - told


def test_keys_of_a_channel_have_a_rate() -> None:
    """A thousand a second for ten seconds; then, after a pause, some at once again."""
    rate = KeyRate()
    told = sum(rate.takes(1_000 + n / 1_000) for n in range(10_000))
    assert told == pytest.approx(AT_ONCE + 10 * A_SECOND, abs=1)
    assert rate.dropped == 10_000 - told
    assert [rate.takes(1_100.0) for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]


def test_a_quick_hand_is_below_every_limit() -> None:
    """Sixteen keys a second, held 40 ms and let go for 22, for a minute."""
    rate, receiver = KeyRate(), KeyReceiver()
    for number in range(960):
        typed = keys(press(DIGITS[number % 16], number * 500), receiver)
        assert typed == DIGITS[number % 16]
        assert rate.takes(50 + number / 16)


def test_events_that_are_no_keys_and_short_payloads_are_nothing() -> None:
    flash = Packet(101, True, 1, 1, 1, build_event(TelephoneEvent(16, False, 0, 160)))
    assert keys([flash, flash._replace(payload=b"\x01\x0a\x00"), flash._replace(payload=b"")]) == ""


@given(st.binary(max_size=12))
def test_events_round_trip_and_short_ones_are_none(payload: bytes) -> None:
    event = parse_event(payload)
    assert (event is None) == (len(payload) < 4)
    if event is not None:
        assert build_event(event) == bytes([payload[0], payload[1] & 0xBF, *payload[2:4]])


@given(st.lists(st.binary(max_size=8), max_size=40), st.lists(st.integers(0, 2**32 - 1)))
def test_nonsense_never_raises(payloads: list[bytes], timestamps: list[int]) -> None:
    receiver = KeyReceiver()
    for payload, timestamp in zip(payloads, timestamps, strict=False):
        receiver.receive(Packet(101, False, 0, timestamp, 1, payload))


@pytest.mark.parametrize("seed", range(20))
def test_every_digit_survives_loss_duplicates_and_reordering(seed: int) -> None:
    """5 % loss, 5 % duplicates, jitter up to 60 ms, on 40 ms keys 80 ms apart."""
    draw = random.Random(seed)
    wanted = "".join(draw.choices(DIGITS, k=200))
    arrivals: list[tuple[float, Packet]] = []
    for number, digit in enumerate(wanted):
        start = number * 0.120
        for index, packet in enumerate(press(digit, number * 960, updates=2)):
            for _ in range(2 if draw.random() < 0.05 else 1):
                if draw.random() >= 0.05:
                    at = start + 0.010 * index + draw.random() * 0.060
                    arrivals.append((at, packet))
    arrivals.sort(key=lambda arrival: arrival[0])
    assert keys([packet for _, packet in arrivals]) == wanted
