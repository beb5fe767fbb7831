"""`telebank serve` that stops its own process (SIGSTOP) when a request is durable as SENT and its
first byte is still to go.

    python settle_stopping.py SERVICE serve --data … --host-port …

All wiring is the real one; only the journal's class is another.
"""

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


class StoppingJournal(StoreJournal):
    """The real journal, on a machine that stands still once."""

    stood = False

    async def record(
        self, request: Request, plan: RecordPlan, sent: HostMessage | None = None
    ) -> Recorded | Existing | RecordRefused:
        done = await super().record(request, plan, sent)
        if request.service == SERVICE and not self.stood:
            self.stood = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return done


COMMAND: Final = [sys.executable, __file__]
"""What starts it; the service and the node's options follow."""

if __name__ == "__main__":
    wiring.StoreJournal = StoppingJournal  # type: ignore[misc]
    sys.argv[1:] = sys.argv[2:]
    main()
