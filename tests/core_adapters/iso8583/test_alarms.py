"""The limit on alarms: each is shown or counted, whatever the times."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core_adapters.iso8583.links.alarms import AlarmLimit


def test_the_first_of_a_second_are_shown_and_the_rest_counted() -> None:
    limit = AlarmLimit(2)
    assert [limit.receive("unmatched", 10.0 + n / 10) for n in range(5)] == [True] * 2 + [False] * 3
    assert limit.receive("undecodable", 10.5)
    assert limit.wake_at == 11.0
    assert limit.wake(10.9) == []
    assert limit.wake(11.0) == [("unmatched", 3)]
    assert limit.wake_at is None
    assert limit.receive("unmatched", 11.0)


def test_a_quiet_kind_begins_a_new_second_by_itself() -> None:
    limit = AlarmLimit(1)
    assert limit.receive("unmatched", 1.0)
    assert limit.receive("unmatched", 2.0)
    assert not limit.receive("unmatched", 2.5)


_STEPS = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 2)), max_size=80)


@given(_STEPS, st.integers(1, 4))
def test_every_alarm_is_shown_or_counted(steps: list[tuple[str, float]], most: int) -> None:
    limit, now = AlarmLimit(most), 0.0
    raised: Counter[str] = Counter()
    accounted: Counter[str] = Counter()
    for kind, wait in steps:
        now += wait
        if limit.wake_at is not None and limit.wake_at <= now:
            accounted.update(dict(limit.wake(now)))
        raised[kind] += 1
        accounted[kind] += limit.receive(kind, now)
    accounted.update(dict(limit.wake(float("inf"))))
    assert accounted == raised
