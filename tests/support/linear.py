"""Whether work grows as fast as what it is given: CPU at n and at 2n, compared."""

import time
from collections.abc import Callable, Iterator
from itertools import product

ROUNDS = 5
MOST = 3.0
"""Twice as much of anything linear takes twice as long, and less where a part is constant; of
anything quadratic it takes four times as long."""

SHAPES = (
    '"\\', '"', "\\", " ", "\t", "<", ">", ";", ",", "=", ":", "@", "[", "%", "a", "a ", "a,",
    ", ", ' "', '","', "<a>,", "<sip:a@b>,", ';a="', ";a=b", "; ", "a=", '"" ',
)  # fmt: skip
"""What a hostile line repeats."""
HEADS = ("", '"', "<sip:a@b>,", "<sip:a@b>;a=", "1;a=", "SIP/2.0/UDP a")
TAILS = ("", "x")


def lines(octets: int) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Each hostile line of that length, and what it is made of."""
    for parts in product(HEADS, SHAPES, TAILS):
        yield parts, line_of(*parts, octets)


def line_of(head: str, shape: str, tail: str, octets: int) -> str:
    """One of them."""
    return head + shape * ((octets - len(head) - len(tail)) // len(shape)) + tail


def cost(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """CPU seconds of this thread, the least of some rounds: others cannot make it more."""
    least = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        work()
        least = min(least, time.thread_time() - begun)
    return least
