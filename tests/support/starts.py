"""Processes start in turn: each start is seconds of one core's work, so that more of them at once
than there are cores only make every one of them late."""

import os
import threading
from typing import Final

AT_ONCE: Final = max(2, os.cpu_count() or 1)
TURN: Final = threading.BoundedSemaphore(AT_ONCE)
"""Held from a process's start until it says that it is ready."""
