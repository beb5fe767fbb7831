"""Alarms are told, and only then kept as told."""

import asyncio
from pathlib import Path

from aiohttp import web

from support.watch_seen import snapshot
from telebank.ops.alarms import Alarms, Rule
from telebank.ops.alarms_file import keep_raised, raised_before
from telebank.ops.alarms_telling import PATH, AlarmTeller
from telebank.ops.metrics_types import Disk
from telebank.ops.snmp.notices import Notice, Told

RULE = Rule(
    name="disk", metric="disk_free_percent", severity="major", zh="盘", en="d", below=10, for_s=0
)
FULL, ROOM = snapshot(disk=Disk(total=100, free=5)), snapshot(disk=Disk(total=100, free=50))


async def test_an_alarm_is_kept_once_it_is_told(tmp_path: Path) -> None:
    kept, socket = tmp_path / "run" / "alarms.json", tmp_path / "c.sock"
    before: list[frozenset[str]] = []

    async def take(_request: web.Request) -> web.Response:
        before.append(raised_before(kept))
        return web.json_response({})

    app = web.Application()
    app.add_routes([web.post(PATH, take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        teller = AlarmTeller(Alarms([RULE]), "01", socket, kept, lambda _told: None)
        teller.judge(FULL, 0.0)
        assert raised_before(kept) == frozenset()  # stopped here, the next one tells it
        running = asyncio.ensure_future(teller.run())
        await until(kept, {"disk"})
        teller.judge(ROOM, 1.0)
        assert raised_before(kept) == {"disk"}
        await until(kept, set())
        assert before == [frozenset(), {"disk"}]
        running.cancel()
    finally:
        await runner.cleanup()


def test_what_goes_beside_the_node_is_kept_after_it_too(tmp_path: Path) -> None:
    kept = tmp_path / "run" / "alarms.json"
    keep_raised(kept, ["disk", "of no rule any more"])
    seen: list[tuple[Notice, frozenset[str]]] = []

    def beside(told: Told) -> None:
        seen.append((told.notice, raised_before(kept)))

    alarms = Alarms([RULE, Rule(**{**FIELDS, "name": "other"})], raised_before(kept))
    teller = AlarmTeller(alarms, "01", tmp_path / "none.sock", kept, beside)
    for change in alarms.looked(FULL, 0.0):
        teller.tell(change)
    assert seen == [(Notice.ALARM_RAISED, frozenset({"disk", "of no rule any more"}))]
    assert raised_before(kept) == {"disk", "other"}


def test_with_other_rules_what_both_have_stands_as_it_stood(tmp_path: Path) -> None:
    alarms = Alarms([RULE])
    teller = AlarmTeller(
        alarms, "01", tmp_path / "none.sock", tmp_path / "run" / "alarms.json", lambda _told: None
    )
    (raised,) = teller.judge(FULL, 0.0)
    assert raised.raised
    roomier = Rule(**{**FIELDS, "below": 60, "en": "other words"})
    teller.use([roomier])
    (still,) = teller.judge(ROOM, 1.0)
    assert (still.raised, still.en, still.threshold) == (True, "other words", 60)
    teller.use([RULE])
    (over,) = teller.judge(ROOM, 2.0)
    assert not over.raised
    teller.use([])
    assert list(teller.judge(FULL, 3.0)) == []


FIELDS = {name: getattr(RULE, name) for name in RULE.__struct_fields__}


async def until(kept: Path, raised: set[str]) -> None:
    for _ in range(600):
        if raised_before(kept) == raised:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{kept} has {raised_before(kept)}, not {raised}")
