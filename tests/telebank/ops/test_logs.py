"""Logs on a disk that is full: /dev/full takes no octet."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, structlog
from telebank.ops.logs import set_up_logs
set_up_logs()
structlog.get_logger("telebank.test").warning("one", call="01-1-1")
logging.getLogger("telebank.other").warning("two")
print("went on")
"""


def test_a_line_that_a_full_disk_does_not_take_stops_nobody() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            stdout=subprocess.PIPE,
            stderr=full,
            timeout=60,
            check=False,
        )
    assert done.stdout == b"went on\n"


def test_lines_are_written_where_there_is_room() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, timeout=60, check=True
    )
    assert [b'"one"' in done.stderr, b'"two"' in done.stderr] == [True, True]
