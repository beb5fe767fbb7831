"""`python -m telebank.media.writer`: writes the recordings of one media worker.

A process of its own, so that neither a slow disk nor FLAC delays a tick. Keys of recordings are in
its memory while these last, and nowhere else. When the worker is gone, what is under way is
finished, marked cut, and it goes too.
"""

import argparse
import gc
import logging
import os
import select
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from telebank.media import writing
from telebank.media.recording import PART, Finished, Header, Mark, Recording
from telebank.workers.link import Link, LinkGone
from telebank.workers.service import inherited, prepare_process

NICENESS = 5
"""Sound that is heard comes first."""
_FAILURES = (OSError, ValueError, soundfile.SoundFileError)
"""Of one recording: the disk, the order, libsndfile."""

_log = logging.getLogger(__name__)


class WriterProcess:
    """Its recordings by number."""

    def __init__(self, link: Link[writing.ToWriter]) -> None:
        self._link = link
        self._recordings: dict[int, Recording] = {}

    def run(self) -> None:
        """Until the worker is gone."""
        try:
            while True:
                waits = [self._link.endpoint] if self._link.waiting else []
                select.select([self._link.endpoint], waits, [])
                self._link.flush()
                for message in self._link.receive():
                    self.take(message)
        except LinkGone:
            for number in list(self._recordings):
                self._finish(number, "the media worker was gone")

    def take(self, message: writing.ToWriter) -> None:
        """Do what is said; a recording that fails is given up and told of."""
        number = message.number
        try:
            match message:
                case writing.Begin():
                    header = Header(message.wrapped, message.begun, message.note)
                    self._recordings[number] = Recording(Path(message.path), message.key, header)
                case writing.End():
                    self._finish(number, message.cut)
                case writing.Sound() if number in self._recordings:
                    sound = np.frombuffer(message.samples, np.int16).reshape(-1, 2)
                    self._recordings[number].add(message.at, sound)
                case writing.Left() if number in self._recordings:
                    mark = Mark(message.kind, message.start, message.end)
                    self._recordings[number].mark(mark)
        except _FAILURES as error:
            path = message.path if isinstance(message, writing.Begin) else ""
            self._fail(number, path, str(error))

    def _finish(self, number: int, cut: str) -> None:
        recording = self._recordings.get(number)
        if recording is None:
            return
        try:
            finished = recording.finish(cut)
        except _FAILURES as error:
            self._fail(number, "", str(error))
        else:
            del self._recordings[number]
            self._tell(number, finished)

    def _fail(self, number: int, path: str, why: str) -> None:
        """Give a recording up; `path` where it never began."""
        recording = self._recordings.pop(number, None)
        _log.error("a recording failed: %s", why)
        if recording is not None:
            self._tell(number, recording.abandon(why))
        elif path:
            nothing = Finished(path + PART, 0.0, "", "", 0, cut=True, error=why)
            self._tell(number, nothing)

    def _tell(self, number: int, finished: Finished) -> None:
        with suppress(LinkGone):  # nobody is left to know
            self._link.send(
                writing.Done(
                    number=number,
                    path=finished.path,
                    seconds=finished.seconds,
                    sha256=finished.sha256,
                    sealed_sha256=finished.sealed_sha256,
                    size=finished.size,
                    marks=tuple(astuple(mark) for mark in finished.marks),
                    cut=finished.cut,
                    error=finished.error,
                )
            )


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m telebank.media.writer", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="inherited SOCK_SEQPACKET socket")
    logging.basicConfig(level=logging.INFO, format="recordings %(process)d: %(message)s")
    prepare_process()
    with suppress(OSError):  # the worker's real-time priority is not ours
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.nice(NICENESS)
    endpoint = inherited(parser.parse_args().fd)
    decoder = msgspec.msgpack.Decoder(writing.ToWriter)
    link = Link(endpoint, decoder)
    gc.freeze()
    WriterProcess(link).run()


if __name__ == "__main__":
    main()
