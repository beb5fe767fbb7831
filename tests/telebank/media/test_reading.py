"""Sockets of many channels: each has its turn, and ticks do not wait for them."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from telebank.media.endpoint import OLDEST_S, age
from telebank.media.reading import READ_ANYHOW, Reading

MANY = 2 * READ_ANYHOW + 10
PAST, FAR = 0.0, float("inf")


@pytest.fixture
def ends() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Something waits on each second socket."""
    with ExitStack() as kept:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(MANY)]
        for sender, receiver in pairs:
            kept.enter_context(sender)
            kept.enter_context(receiver)
            sender.send(b"1")
        yield pairs


class Channels:
    """They note that they read, and leave what waits where it is."""

    def __init__(self, ends: list[tuple[socket.socket, socket.socket]]) -> None:
        self.reading = Reading()
        self.read: list[int] = []
        for number, (_, receiver) in enumerate(ends):
            self.reading.add(receiver.fileno(), lambda _, number=number: self.read.append(number))


def test_where_there_is_no_time_each_has_its_turn_all_the_same(
    ends: list[tuple[socket.socket, socket.socket]],
) -> None:
    channels = Channels(ends)  # who read is ready again at once, as one that is flooded
    for turn in range(1, 5):
        channels.reading.read(PAST)
        assert len(channels.read) == turn * READ_ANYHOW
    assert set(channels.read[: 3 * READ_ANYHOW]) == set(range(MANY))


def test_where_there_is_time_all_are_read(
    ends: list[tuple[socket.socket, socket.socket]],
) -> None:
    channels = Channels(ends)
    channels.reading.read(FAR)
    assert sorted(channels.read) == list(range(MANY))


def test_a_channel_that_is_gone_is_not_read(
    ends: list[tuple[socket.socket, socket.socket]],
) -> None:
    channels = Channels(ends)
    channels.reading.read(PAST)
    left = sorted(set(range(MANY)) - set(channels.read))
    for number in left:
        channels.reading.remove(ends[number][1].fileno())
    channels.reading.read(FAR)
    assert not set(left) & set(channels.read)


def test_the_kernel_says_when_a_datagram_came() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        ours.bind(("127.0.0.1", 0))
        peer.connect(ours.getsockname())
        assert age(ours) == 0.0
        for _ in range(20):  # until the machine was not away for too long
            peer.send(b"1")
            time.sleep(0.05)
            ours.recv(1)
            if since := age(ours):
                break
        assert 0.05 <= since <= OLDEST_S
