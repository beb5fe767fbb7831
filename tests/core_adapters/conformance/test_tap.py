"""The tap: few watchers, none slow, nothing done while nobody watches."""

import json

from core_adapters.tap import MAX_WATCHERS, QUEUE_LINES, Tap


async def test_every_watcher_has_every_line() -> None:
    tap = Tap()
    watchers = [tap.watch(), tap.watch()]
    tap.put({"what": "sent"})
    for watcher in watchers:
        assert watcher is not None
        watcher.close()
        assert [json.loads(line) async for line in watcher.lines()] == [{"what": "sent"}]
    assert not tap.wanted


async def test_one_more_than_four_is_refused_until_one_leaves() -> None:
    tap = Tap()
    watchers = [tap.watch() for _ in range(MAX_WATCHERS)]
    assert tap.watch() is None
    assert watchers[0] is not None
    watchers[0].close()
    assert tap.watch() is not None


async def test_a_slow_watcher_is_dropped_and_told() -> None:
    tap = Tap()
    watcher = tap.watch()
    assert watcher is not None
    for number in range(QUEUE_LINES + 50):
        tap.put({"n": number})
    assert not tap.wanted
    lines = [json.loads(line) async for line in watcher.lines()]
    assert len(lines) == QUEUE_LINES + 1
    assert lines[-1]["what"] == "dropped"
