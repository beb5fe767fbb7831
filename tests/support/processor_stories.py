"""Stories told to one processor over a host whose faults are planned."""

from collections.abc import Awaitable, Callable

from support.ledger_world import Fault, World
from support.transactions_host import Faults
from support.transactions_time import run
from transactions.request import MessageRole


def told(story: Callable[[World], Awaitable[None]], world: World | None = None) -> None:
    """Start a world, run the story, end and check it."""

    async def whole() -> None:
        here = world or World()
        await here.start()
        await story(here)
        await here.end()

    run(whole())


def on(role: MessageRole, *faults: Fault) -> Faults:
    """Faults of the first messages of a role, one after the other, then none."""

    def plan(request_id: str, asked: MessageRole, attempt: int) -> Fault:
        mine = asked == role and not request_id.endswith("-quote") and attempt < len(faults)
        return faults[attempt] if mine else Fault.NONE

    return plan
