"""`telebank queue today`: the day of the event log in a terminal."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from support.desk_day import Fact, write_day
from support.staff_house import open_house
from telebank.main import main
from telebank.settings import store_url

BEIJING = timezone(timedelta(hours=8))


def run(place: Path, *words: str) -> Result:
    ran = CliRunner().invoke(main, ["queue", "today", *words, "--data", str(place)])
    assert ran.exit_code == 0, ran.output
    return ran


def facts(at_s: float) -> list[Fact]:
    loans: dict[str, Any] = {"queue": "loss"}
    return [
        ("queue.refused", at_s, "c0", "system", loans | {"why": "nobody"}),
        ("queue.entered", at_s, "c1", "system", loans),
        ("queue.left", at_s, "c1", "system", loans | {"how": "answered", "waited_s": 2.0}),
    ]


async def test_a_day_in_a_terminal(tmp_path: Path) -> None:
    now = datetime.now(UTC).astimezone(BEIJING)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    async with open_house(tmp_path):
        write_day(store_url(tmp_path), midnight - timedelta(days=1), facts(1_000.0))
        write_day(store_url(tmp_path), midnight, facts((now - midnight).total_seconds() / 2))
        told = json.loads(run(tmp_path, "--json").stdout)
        assert told["queues"]["loss"]["service"] == 1.0
        assert told["queues"]["loss"]["away"] == {"nobody": 1}
        assert (told["all"]["total"]["came"], told["all"]["total"]["answered"]) == (2, 1)
        page = run(tmp_path, "--language", "zh").stdout
        assert all(words in page for words in ("未受理", "合计", "挂失", "100%")), page
        assert "Card loss" in run(tmp_path, "--language", "en").stdout
        assert len(run(tmp_path, "--quarters", "--queue", "loss").stdout.splitlines()) == 2
        none = CliRunner().invoke(
            main, ["queue", "today", "--queue", "none", "--data", str(tmp_path)]
        )
        assert none.exit_code == 2
