"""Recordings of conversations: begun where a queue says so or a supervisor wants it, paused while a
PIN is entered and by nothing else, ended with the conversation."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import structlog

from telebank import wire
from telebank.calls.recording_keys import new_key
from telebank.calls.tellers.talk import Talk
from telebank.calls.tellers.values import Keeper
from telebank.store.recordings import FOLDER, NewRecording, Outcome
from telebank.store.sealing import Keyring

log = structlog.get_logger("telebank.tellers")

LEAST_FREE = 200_000_000
"""Octets that must be free on the disk for another recording to begin."""
BY_RULE = "system"
"""Who wanted a recording that the queue's rule wants."""


@dataclass(frozen=True, slots=True)
class Tapes:
    """Where recordings go: the data folder, and the keys that seal them."""

    data: Path
    keyring: Keyring


class Recordings:
    """Of all conversations of one node."""

    def __init__(self, tapes: Tapes | None) -> None:
        """None: nothing is recorded."""
        self._tapes = tapes
        self._numbers = count(1)
        self._names: dict[str, str] = {}
        """By path, of those that are being written."""
        self.keeper: Keeper | None = None

    def begin(self, talk: Talk, seat: str, by: str, now: datetime) -> bool:
        """Record a conversation from now on; False where it cannot be."""
        channel, tapes = talk.port.channel, self._tapes
        if channel is None or tapes is None or talk.recording:
            return False
        name = f"{now:%Y/%m/%d/%H%M%S}-{talk.ref}-{next(self._numbers)}.rec"
        path = tapes.data.resolve() / FOLDER / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            free = shutil.disk_usage(path.parent).free
        except OSError as error:
            log.error("recording.not_begun", call=talk.ref, why=error.strerror)
            return False
        if free < LEAST_FREE:
            log.error("recording.not_begun", call=talk.ref, why=f"{free // 1_000_000} MB free")
            return False
        key = new_key(tapes.keyring)
        begun = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        channel.send(
            wire.RecordCall(
                path=str(path), key=key.plain, wrapped=key.wrapped, begun=begun, note=talk.ref
            )
        )
        self._names[str(path)] = name
        talk.recording, talk.recorded_by = True, by
        if self.keeper is not None:
            part = talk.parts.get(seat)
            contact = "" if part is None else part.contact
            key_id = key.wrapped.partition(":")[0]
            new = NewRecording(name, talk.ref, contact, seat, by, now, key_id)
            self.keeper.recording_begun(new)
        return True

    def pause(self, talk: Talk, *, paused: bool) -> None:
        """Leave out what follows, or go on: while a PIN is entered."""
        if talk.recording and talk.port.channel is not None:
            talk.port.channel.pause_record(paused)

    def end(self, talk: Talk) -> None:
        """It ends, where one is made."""
        if talk.recording and talk.port.channel is not None:
            talk.port.channel.stop_record_call()
        talk.recording = False

    def over(self, event: wire.CallRecorded) -> None:
        """What became of one."""
        name = self._names.pop(event.path, "")
        if event.error:
            log.error("recording.failed", name=name, why=event.error)
        if name and self.keeper is not None:
            self.keeper.recording_ended(
                name,
                Outcome(
                    seconds=event.seconds,
                    sha256=event.sha256,
                    sealed_sha256=event.sealed_sha256,
                    size=event.size,
                    marks=event.marks,
                    cut=event.cut,
                    why=event.error,
                ),
            )
