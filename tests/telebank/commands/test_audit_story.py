"""`telebank audit story`: for auditors, logged first, masked, with its proof."""

import json
import sqlite3
from pathlib import Path

from support.audit_scene import CALL, REFERENCE, told
from support.staff_house import open_house
from support.staff_words import say, three_people
from support.store_kit import PAYER


async def test_a_story_is_told_to_an_auditor(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, wu, li = await three_people(house)
        sun = await house.hire(chen, wu, "sun", "auditor")
        await told(house)
        said = await say(house, sun, "audit", "story", REFERENCE, "--language", "en")
        assert said.exit_code == 0, said.output
        for words in ("reversed", "no reply in time", "138******78", "•••", "11 STAN 000017"):
            assert words in said.output, words
        assert PAYER.digits not in said.output
        zh = await say(house, sun, "audit", "story", CALL, "--language", "zh")
        assert "已冲正" in zh.output
        whole = json.loads((await say(house, sun, "audit", "story", CALL, "--json")).output)
        assert [one["reference"] for one in whole["requests"]] == [REFERENCE]
        assert whole["proof"]["standing"] == "waits"
        missing = await say(house, sun, "audit", "story", "019999999999")
        assert missing.exit_code == 1
        assert house.events("audit.looked") == [("sun", "auditor", "story")] * 4, (
            "each is logged, found or not"
        )
        assert (await say(house, li, "audit", "story", REFERENCE)).exit_code == 1
        assert len(house.events("audit.looked")) == 4
        with sqlite3.connect(tmp_path / "telebank.db") as database:
            database.execute("UPDATE event SET outcome = 'better' WHERE kind = 'call.ended'")
        changed = await say(house, sun, "audit", "story", REFERENCE, "--language", "en")
        assert (changed.exit_code, "changed since" in changed.output) == (1, True)
