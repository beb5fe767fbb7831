"""One result for many pages."""

import threading

import pytest

from telebank.console.shared import Shared


def test_it_is_made_once_in_its_time() -> None:
    made: list[float] = []
    now = [100.0]

    def make() -> int:
        made.append(now[0])
        return len(made)

    shared = Shared(make, 1.0, lambda: now[0])
    assert [shared.get(), shared.get()] == [1, 1]
    now[0] += 0.99
    assert shared.get() == 1
    now[0] += 0.02
    assert shared.get() == 2
    assert [shared.get(fresh=True), shared.get()] == [3, 3]


def test_what_it_raises_is_not_kept() -> None:
    answers = [1 / 3]
    shared = Shared(answers.pop, 10.0)
    assert shared.get() == 1 / 3
    with pytest.raises(IndexError):
        shared.get(fresh=True)
    assert shared.get() == 1 / 3


def test_many_at_once_ask_once() -> None:
    made: list[int] = []
    begun = threading.Barrier(8)
    shared = Shared(lambda: made.append(1), 60.0)

    def ask() -> None:
        begun.wait()
        shared.get()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert made == [1]
