"""`python -m telebank.media`: one media worker, started by the node with a socket of its own.

It takes no address and no terminal: the node's end of the socket closing is its order to go.
"""

import argparse
import gc
import logging
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.bank import Bank, BankError
from telebank.media.link import NodeGone, NodeLink
from telebank.media.options import MediaOptions
from telebank.media.worker import Worker

REALTIME_PRIORITY = 10


def main() -> int:
    """Exit code 0 after `Shutdown`, 1 when the node is gone, 2 when the bank cannot be used."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="media %(process)d: %(message)s")
    _prepare_process()
    try:
        bank = Bank.open(arguments.bank_dir)
    except BankError as error:
        sys.stderr.write(f"media: {error}\n")
        return 2
    # A copy of the descriptor gets a low number, as select() needs.
    with socket.socket(fileno=os.dup(arguments.fd)) as endpoint:
        os.close(arguments.fd)
        return _serve(NodeLink(endpoint), bank, arguments)


def _serve(link: NodeLink, bank: Bank, arguments: argparse.Namespace) -> int:
    options = msgspec.json.decode(arguments.options, type=MediaOptions)
    try:
        link.send(wire.Hello(version=wire.VERSION, pid=os.getpid()))
        worker = Worker(link, bank, options, arguments.slot_offset / 1_000)
        gc.collect()
        gc.freeze()
        gc.disable()
        worker.run()
    except NodeGone:
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telebank.media", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="inherited SOCK_SEQPACKET socket")
    parser.add_argument("--bank-dir", type=Path, required=True, help="folder of prompts.pcma/.pcmu")
    parser.add_argument("--slot-offset", type=float, default=0.0, help="milliseconds, 0 to 5")
    parser.add_argument("--options", default="{}", help="MediaOptions as JSON")
    return parser.parse_args()


def _prepare_process() -> None:
    """No core dumps (keys are in memory), every descriptor we may have, real time if allowed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the node's business
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))


if __name__ == "__main__":
    sys.exit(main())
