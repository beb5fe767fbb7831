"""`python -m telebank.media`: one media worker, started by the node with a socket of its own.

It takes no address and no terminal: the node's end of the socket closing is its order to go.
"""

import argparse
import gc
import logging
import os
import socket
import sys
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.bank import Bank, BankError
from telebank.media.options import MediaOptions
from telebank.media.tones import MusicError
from telebank.media.worker import Worker
from telebank.workers.link import Link, LinkGone
from telebank.workers.service import inherited, prepare_process, real_time

REALTIME_PRIORITY = 10


def main() -> int:
    """Exit code 0 after `Shutdown`, 1 when the node is gone, 2 when the bank or the music cannot be
    used."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="media %(process)d: %(message)s")
    prepare_process()
    real_time(REALTIME_PRIORITY)
    try:
        bank = Bank.open(arguments.bank_dir)
    except BankError as error:
        sys.stderr.write(f"media: {error}\n")
        return 2
    with inherited(arguments.fd) as endpoint:
        return _serve(endpoint, bank, arguments)


def _serve(endpoint: socket.socket, bank: Bank, arguments: argparse.Namespace) -> int:
    options = msgspec.json.decode(arguments.options, type=MediaOptions)
    link: Link[wire.ToWorker] = Link(endpoint, msgspec.msgpack.Decoder(wire.ToWorker))
    try:
        worker = Worker(link, bank, options, arguments.slot_offset / 1_000)
        link.send(wire.Hello(version=wire.VERSION, pid=os.getpid()))
        gc.collect()
        gc.freeze()
        gc.disable()
        worker.run()
    except LinkGone:
        return 1
    except MusicError as error:
        sys.stderr.write(f"media: {error}\n")
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telebank.media", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="inherited SOCK_SEQPACKET socket")
    parser.add_argument("--bank-dir", type=Path, required=True, help="folder of prompts.pcma/.pcmu")
    parser.add_argument("--slot-offset", type=float, default=0.0, help="milliseconds, 0 to 5")
    parser.add_argument("--options", default="{}", help="MediaOptions as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
