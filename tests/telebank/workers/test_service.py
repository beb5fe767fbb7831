"""The loop of a child: orders never keep a tick waiting."""

import socket
import time
from itertools import groupby

import msgspec

from telebank.workers.link import Link
from telebank.workers.service import Figures, Service
from telebank.workers.ticker import FRAME_SECONDS, Ticker

ORDERS = 20
TAKES_S = FRAME_SECONDS / 2


class Order(msgspec.Struct):
    number: int
    sequence: int = 0


class Slow(Service[Order]):
    """Takes half a frame for each order, and ends with the last."""

    def __init__(self, link: Link[Order]) -> None:
        super().__init__(link, Ticker(time.monotonic(), 1_000_000, 0), report_s=3_600)
        self.done: list[str] = []

    def _is_busy(self) -> bool:
        return True

    def _tick(self, now: float) -> None:
        self._ticker.done(now)
        self.done.append("tick")

    def _leave_out(self, frames: int) -> None:
        raise AssertionError(frames)

    def _carry_out(self, order: Order) -> None:
        time.sleep(TAKES_S)
        self.done.append("order")
        if order.number == ORDERS - 1:
            self._stop()

    def _stats(self, figures: Figures) -> Order:
        return Order(0)


def test_a_tick_that_is_due_comes_before_the_orders_that_wait() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        node = Link(theirs, msgspec.msgpack.Decoder(Order))
        for number in range(ORDERS):
            node.send(Order(number))
        service = Slow(Link(ours, msgspec.msgpack.Decoder(Order)))
        service.run()
    assert service.done.count("order") == ORDERS
    most = max(len(list(run)) for what, run in groupby(service.done) if what == "order")
    assert most <= FRAME_SECONDS / TAKES_S + 1
