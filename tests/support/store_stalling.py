"""`telebank serve` that stops its own process (SIGSTOP) just before a request may go to the host.

    python store_stalling.py SERVICE serve --data … --host-port …

All wiring is the real one; only the journal's class is another. It waits until the writer has
nothing to do, so that the process does not stop with the database's lock in its hands: that would
be another test's matter (tests/telebank/store/test_postgresql.py).
"""

import asyncio
import os
import signal
import sys
from typing import Final

import telebank.store.store as wiring
from telebank.main import main
from telebank.store.journal import StoreJournal
from transactions.journal import Existing, Recorded, RecordPlan, RecordRefused
from transactions.request import HostMessage, Request

SERVICE = sys.argv[1] if __name__ == "__main__" else ""


class StallingJournal(StoreJournal):
    """The real journal, on a machine that stands still once."""

    stood = False

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        if request.service == SERVICE and not self.stood:
            self.stood = True
            while self._writer._queued:
                await asyncio.sleep(0.001)
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super().record(request, plan, sent)


COMMAND: Final = [sys.executable, __file__]
"""What starts it; the service and the node's options follow."""

if __name__ == "__main__":
    wiring.StoreJournal = StallingJournal  # type: ignore[misc]
    sys.argv[1:] = sys.argv[2:]
    main()
