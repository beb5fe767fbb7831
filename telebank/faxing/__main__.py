"""`python -m telebank.faxing`: the fax process of a node, which starts it with a socket to it.

It takes no address and no terminal: the node's end of the socket closing is its order to go. It is
a process of its own because a C library fed from the network must not take calls down with it.
"""

import argparse
import faulthandler
import gc
import logging
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from fax.terminal import Missing, library
from telebank.faxing import wire
from telebank.faxing.options import FaxingOptions
from telebank.faxing.worker import Worker
from telebank.workers.link import Link, LinkGone
from telebank.workers.service import inherited, prepare_process, real_time

EXIT_MISSING = 3
"""The library is not there; `Hello` has said so."""
REALTIME_PRIORITY = 5
"""Below the media of calls."""
HEADROOM_MB = 256
LINE_MB = 8
"""Address space beyond that of an idle process, and for each line: a fax takes a tenth of one
and the longest page three. One made to unfold without end ends there, perhaps with the process."""
STUCK_US = 3_000_000
"""Microseconds in which a process of real time that never waits is stuck, and killed."""


def main() -> int:
    """Exit code 0 after `Shutdown`, 1 when the node is gone, 3 when the library is missing."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="fax %(process)d: %(message)s")
    options = msgspec.json.decode(arguments.options, type=FaxingOptions)
    _prepare_process(options)
    with inherited(arguments.fd) as endpoint:
        try:
            return _serve(Link(endpoint, msgspec.msgpack.Decoder(wire.ToProcess)), options)
        except LinkGone:
            return 1


def _serve(link: Link[wire.ToProcess], options: FaxingOptions) -> int:
    spandsp = library(options.library)
    if isinstance(spandsp, Missing):
        logging.warning("the fax library cannot be used: %s", spandsp.fault)
        link.send(wire.Hello(version=wire.VERSION, pid=os.getpid(), missing=spandsp.why))
        link.drain()
        return EXIT_MISSING
    worker = Worker(link, spandsp, options)
    _limit_memory(options.lines)
    link.send(wire.Hello(version=wire.VERSION, pid=os.getpid()))
    gc.collect()
    gc.freeze()
    worker.run()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telebank.faxing", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="inherited SOCK_SEQPACKET socket")
    parser.add_argument("--options", default="{}", help="FaxingOptions as JSON")
    return parser.parse_args()


def _limit_memory(lines: int) -> None:
    """No more than what so many faxes may need, on top of what is loaded by now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (HEADROOM_MB + LINE_MB * lines << 20)
    _, allowed = resource.getrlimit(resource.RLIMIT_AS)
    if allowed == resource.RLIM_INFINITY or most < allowed:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def zone_name(utc_offset_minutes: int) -> str:
    """A fixed zone as the C library takes it in TZ (POSIX 8.3), where hours count westwards."""
    hours, minutes = divmod(abs(utc_offset_minutes), 60)
    east, west = ("+", "-") if utc_offset_minutes >= 0 else ("-", "+")
    return f"<{east}{hours:02}{minutes:02}>{west}{hours:02}:{minutes:02}"


def _prepare_process(options: FaxingOptions) -> None:
    """Files for us alone and not without end, the bank's clock, real time if allowed; and as every
    child."""
    prepare_process()
    os.environ["TZ"] = zone_name(options.utc_offset_minutes)  # libspandsp writes the time on pages
    time.tzset()
    faulthandler.enable()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # systemd sends it to all: so is that
    os.umask(0o077)
    most = 2 * options.max_file_mb << 20  # beyond, a write fails: Python ignores SIGXFSZ
    _, allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    if allowed == resource.RLIM_INFINITY or most < allowed:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_RTTIME, (STUCK_US, STUCK_US))
        real_time(REALTIME_PRIORITY)


if __name__ == "__main__":
    sys.exit(main())
