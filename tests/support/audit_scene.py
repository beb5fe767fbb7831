"""A call in which a transfer became unknown and was reversed, as the store has it."""

from dataclasses import replace
from typing import Any

from support.calls_house import shipped
from support.staff_house import House
from support.store_kit import PAYER, message, money_plan, reference, transfer
from telebank.flow.release import hash_of, release_files
from telebank.settings import seed_dir
from transactions.journal import JournalEvent
from transactions.lifecycle import State

CALL = "01-1-000042"
REFERENCE = reference("r7")


async def told(house: House) -> None:
    """A call in which a transfer became unknown and was reversed."""
    store, keys = house.store, house.store.vault
    files = release_files(seed_dir())
    release = hash_of(files)
    await store.releases.begin(files)

    clock = house.clock

    async def note(kind: str, outcome: str = "", **detail: Any) -> None:
        event = JournalEvent(kind, call=CALL, actor="caller", role="caller", outcome=outcome)
        event.detail.update(detail)
        clock.forward(2)
        await store.journal.append(event)

    started = {"from_masked": "138******78", "to": "sip:bank@bank", "codec": "PCMA"}
    await note("call.started", **started, release=release)
    await note("call.language", language="zh", flow="main", node="zh")
    await note("node.entered", flow="authenticate", node="pin")
    for digit in ("•", "•", "•"):
        await note("key", flow="authenticate", node="pin", digit=digit)
    await note("node.entered", flow="main", node=sorted(shipped().flows["main"].nodes)[0])
    token = keys.token(PAYER)
    plan = money_plan(guarded=False, customer=token)
    await store.journal.record(transfer("r7", call=CALL, release=release), plan)
    await store.journal.sending(message("r7", "000017", field37=REFERENCE, sent_at=clock.now))
    clock.forward(30)
    way = [State.UNKNOWN, State.REVERSING]
    await store.journal.advance("r7", way, why="no reply in time")
    undo = {"role": "reversal", "mti": "0420", "field37": REFERENCE, "sent_at": clock.now}
    reversal = message("r7", "000018", **undo)
    await store.journal.sending(reversal)
    clock.forward(1)
    replied = replace(reversal, reply39="00", reply_at=clock.now)
    await store.journal.advance("r7", [State.REVERSED], why="the host undid it", answered=replied)
    await note("call.ended", by="caller", seconds=61.5)
