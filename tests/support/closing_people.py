"""Two people at the desk who close rows in MANUAL by what the bank's books say."""

from collections.abc import Callable
from datetime import timedelta

from support.transactions_journal import Journal, Row
from transactions.approval import Actor, Approving, Proposal, content_hash
from transactions.closing import ACT, Closed, Closing, NotClosed, Result
from transactions.lifecycle import State
from transactions.processor import Processor

CHEN = Actor("chen", "teller", "desk")
WU = Actor("wu", "supervisor", "desk")
LIVES = timedelta(hours=1)


def proposed(journal: Journal, reference: str, result: Result, by: Actor = CHEN) -> None:
    """One person's word, waiting for another's."""
    now, detail = journal.clock.now(), {"result": result}
    journal.propose(
        Proposal(
            id=f"p{reference}",
            act=ACT,
            object=reference,
            detail=detail,
            content_hash=content_hash(ACT, reference, detail),
            note="",
            state="pending",
            proposed_by=by.id,
            proposed_at=now,
            expires_at=now + LIVES,
        )
    )


def closing(reference: str, result: Result, by: Actor = WU) -> Closing:
    """The second person's word."""
    said = content_hash(ACT, reference, {"result": result})
    return Closing(reference, result, Approving(ACT, reference, said, by))


async def close_all(
    processor: Processor, journal: Journal, posted: Callable[[str, Row], bool]
) -> int:
    """Close what is MANUAL by what `posted` says of it; returns how many. The first person cannot
    do it alone, nor can the second say something else, nor can it be closed again."""
    rows = {n: r for n, r in journal.books.rows.items() if r.state is State.MANUAL}
    for name, row in rows.items():
        reference = row.request.reference
        result: Result = "posted" if posted(name, row) else "not_posted"
        other: Result = "not_posted" if result == "posted" else "posted"
        proposed(journal, reference, result)
        for refused, why in (
            (closing(reference, result, CHEN), "same_person"),
            (closing(reference, other), "different_content"),
        ):
            said = await processor.close_by_people(refused)
            assert said == NotClosed(why, State.MANUAL), said  # type: ignore[arg-type]
        done = await processor.close_by_people(closing(reference, result))
        assert isinstance(done, Closed), done
        assert (done.proposed_by, done.approved_by) == (CHEN.id, WU.id)
        again = await processor.close_by_people(closing(reference, result))
        assert again == NotClosed("not_manual", done.state), again
    return len(rows)
