"""The socket between a node and its worker: never waits, keeps a bounded amount, ends with both."""

import socket
from collections.abc import Iterator

import msgspec
import pytest

from telebank import wire
from telebank.workers.link import BATCH, MAX_OFFERED, MAX_PACKET, MAX_WAITING, Link, LinkGone

PAIR = tuple[Link[wire.ToWorker], socket.socket]


@pytest.fixture
def pair() -> Iterator[PAIR]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    with ours, theirs:
        yield Link(ours, msgspec.msgpack.Decoder(wire.ToWorker)), theirs


def read_all(endpoint: socket.socket) -> list[wire.Message]:
    messages: list[wire.Message] = []
    decoder = msgspec.msgpack.Decoder(wire.FromWorker)
    while True:
        try:
            messages.append(decoder.decode(endpoint.recv(MAX_PACKET)))
        except BlockingIOError:
            return messages


def test_what_the_node_does_not_read_waits_in_order_and_is_bounded(pair: PAIR) -> None:
    link, node = pair
    sent = 0
    while not link.waiting:
        link.send(wire.Closed(channel=sent))
        sent += 1
    assert sent > 1_000
    for _ in range(500):
        link.send(wire.Closed(channel=sent))
        sent += 1
    received = read_all(node)
    while link.waiting:
        link.flush()
        received += read_all(node)
    received += read_all(node)
    assert [message.channel for message in received] == list(range(sent))
    assert [message.sequence for message in received] == list(range(1, sent + 1))


def test_a_node_that_never_reads_is_gone(pair: PAIR) -> None:
    link, _ = pair
    while not link.waiting:
        link.send(wire.Closed(channel=1))
    for _ in range(MAX_WAITING - 1):
        link.send(wire.Closed(channel=1))
    with pytest.raises(LinkGone, match="unread"):
        link.send(wire.Closed(channel=1))


def test_what_can_be_missed_never_ends_the_link(pair: PAIR) -> None:
    """A node that stands still: the rest of the room is for what must be told."""
    link, node = pair
    key = wire.Key(channel=1, digit="1", at=0.0, token=0, secret=False)
    while not link.waiting:
        link.offer(key)
    for _ in range(3 * MAX_WAITING):
        link.offer(key)
    assert link.dropped == 3 * MAX_WAITING - MAX_OFFERED + 1
    link.send(wire.Closed(channel=7))
    received = read_all(node)
    while link.waiting:
        link.flush()
        received += read_all(node)
    received += read_all(node)
    assert isinstance(received[-1], wire.Closed)
    assert [message.sequence for message in received] == list(range(1, len(received) + 1))
    link.offer(key)  # and it reads again
    assert [type(message) for message in read_all(node)] == [wire.Key]


def test_orders_come_in_batches_and_nonsense_costs_one_message(pair: PAIR) -> None:
    link, node = pair
    for number in range(BATCH + 1):
        node.send(msgspec.msgpack.encode(wire.Stop(channel=number)))
    assert [order.channel for order in link.receive()] == list(range(BATCH))
    assert [order.channel for order in link.receive()] == [BATCH]
    node.send(b"\xc1")
    node.send(msgspec.msgpack.encode(wire.Stop(channel=7)))
    with pytest.raises(msgspec.DecodeError):
        list(link.receive())
    assert [order.channel for order in link.receive()] == [7]


def test_the_end_of_the_node_is_told(pair: PAIR) -> None:
    link, node = pair
    node.close()
    with pytest.raises(LinkGone):
        list(link.receive())
    with pytest.raises(LinkGone):
        link.send(wire.Closed(channel=1))
