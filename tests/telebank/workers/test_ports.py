"""Ports of media within a range: even, none in a row, each of them found."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import pairwise

import pytest

from telebank.workers.ports import Ports

HOST = "127.0.0.1"
LOW, HIGH = 20_000, 28_000
"""Below what the system gives to others by itself."""


@pytest.fixture
def kept() -> Iterator[ExitStack]:
    with ExitStack() as kept:
        yield kept


def port_of(udp: socket.socket) -> int:
    return int(udp.getsockname()[1])


def test_ports_that_follow_on_each_other_are_not_in_a_row(kept: ExitStack) -> None:
    """By chance two in a row of 4000 are neighbours once in 2000 times; five of forty never."""
    ports = Ports(LOW, HIGH)
    given = []
    for _ in range(40):
        media, control = ports.bind_pair(HOST)
        kept.enter_context(closing(media))
        assert control is not None
        kept.enter_context(closing(control))
        assert port_of(control) == port_of(media) + 1
        given.append(port_of(media))
    assert all(port % 2 == 0 and LOW <= port < HIGH for port in given)
    assert len(set(given)) == 40
    steps = [after - before for before, after in pairwise(given)]
    assert sum(abs(step) == 2 for step in steps) < 5
    assert len(set(steps)) > 20, "nor by a step that stays the same"


@pytest.mark.parametrize("count", [1, 2, 12])
def test_the_last_free_port_is_found_and_then_none(kept: ExitStack, count: int) -> None:
    with closing(Ports(LOW, HIGH).bind(HOST)) as somewhere:
        low = port_of(somewhere)
    ports = Ports(low, low + 2 * count)
    for _ in range(count):
        try:
            kept.enter_context(closing(ports.bind(HOST)))
        except OSError:
            break  # another program has one of them
    free = []
    for port in range(low, low + 2 * count, 2):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            free.append(port)
    assert free == []
    with pytest.raises(OSError, match="no free port"):
        ports.bind(HOST)
