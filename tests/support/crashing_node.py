"""`telebank serve` whose journal kills its own process around one step of one service.

    python crashing_node.py SERVICE STEP before|after serve --data … --host-port …

All wiring is the real one; only the class of the journal is changed for one that asks, before and
after each step of a request, whether this is where the process dies. SIGKILL finishes nothing: no
flush, no BYE, no sign-off.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import telebank.store.store as wiring
from telebank.main import main
from telebank.store.journal import StoreJournal
from transactions.journal import Existing, Recorded, RecordPlan, RecordRefused
from transactions.lifecycle import State
from transactions.outcome import Outcome
from transactions.request import HostMessage, Request

SERVICE, STEP, WHEN = sys.argv[1:4] if __name__ == "__main__" else ("", "", "")


@contextlib.contextmanager
def _around(service: str, step: str) -> Iterator[None]:
    here = (service, step) == (SERVICE, STEP)
    if here and WHEN == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    yield
    if here and WHEN == "after":
        os.kill(os.getpid(), signal.SIGKILL)


class CrashingJournal(StoreJournal):
    """The real journal, and the end of it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._services: dict[str, str] = {}

    def _step(self, request_id: str, step: str) -> contextlib.AbstractContextManager[None]:
        return _around(self._services.get(request_id, ""), step)

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        self._services[request.id] = request.service
        with self._step(request.id, "record" if sent is None else "record and send"):
            return await super().record(request, plan, sent)

    async def advance(
        self,
        request_id: str,
        states: Sequence[State],
        *,
        why: str = "",
        outcome: Outcome | None = None,
        next_attempt_at: datetime | None = None,
        answered: HostMessage | None = None,
    ) -> None:
        with self._step(request_id, f"advance {states[0]}"):
            await super().advance(
                request_id,
                states,
                why=why,
                outcome=outcome,
                next_attempt_at=next_attempt_at,
                answered=answered,
            )

    async def sending_again(self, message: HostMessage, next_attempt_at: datetime | None) -> int:
        with self._step(message.request_id, f"sending {message.role}"):
            return await super().sending_again(message, next_attempt_at)

    async def sending(self, message: HostMessage) -> None:
        with self._step(message.request_id, f"sending {message.role}"):
            await super().sending(message)

    async def answered(self, message: HostMessage) -> None:
        with self._step(message.request_id, f"answered {message.role}"):
            await super().answered(message)

    async def told(self, request_id: str, exit_name: str) -> None:
        with self._step(request_id, "told"):
            await super().told(request_id, exit_name)


COMMAND: Final = [sys.executable, __file__]
"""What starts it; the four words and the node's options follow."""

if __name__ == "__main__":
    wiring.StoreJournal = CrashingJournal  # type: ignore[misc]
    sys.argv[1:] = sys.argv[4:]
    main()
