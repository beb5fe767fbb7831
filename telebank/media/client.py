"""The node's side: starts the media workers, spreads legs over them, starts again what dies."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.options import MediaOptions
from telebank.media.process import Event, MediaError, OnEvent, WorkerLost, WorkerProcess

__all__ = ["Event", "MediaChannel", "MediaError", "MediaWorkers", "OnEvent", "WorkerLost"]

SLOT_MS = 5.0


class MediaChannel:
    """One leg's media. Methods return at once; what comes of them are events."""

    def __init__(self, worker: WorkerProcess, number: int, port: int) -> None:
        self.number = number
        self.port = port
        """The UDP port for the SDP."""
        self.worker = worker

    def set_remote(self, remote: wire.SetRemote) -> None:
        """Where to send and what; `channel` in it is filled in here."""
        self.send(remote)

    def play(
        self, segments: Sequence[tuple[int, int]], stop_keys: str, token: int, bank: int = 0
    ) -> None:
        """Play `(start, samples)` of a bank, -1 for a pause; `ValueError` when too many."""
        if len(segments) > wire.MAX_SEGMENTS:
            raise ValueError(f"{len(segments)} segments in a play, {wire.MAX_SEGMENTS} at most")
        pieces = tuple(segments)
        self.send(wire.Play(segments=pieces, stop_keys=stop_keys, token=token, bank=bank))

    def stop(self) -> None:
        """Stop what plays."""
        self.send(wire.Stop())

    def collect(self, secret: bool) -> None:
        """Mark the keys from now on secret, or not."""
        self.send(wire.Collect(secret=secret))

    def record(self, token: int, most: int) -> None:
        """Record what the peer says, at most `most` samples; `Recorded` events bring it."""
        self.send(wire.Record(token=token, most=most))

    def stop_record(self) -> None:
        """The peer has finished."""
        self.send(wire.StopRecord())

    def join(
        self,
        mixer: int,
        role: str = "party",
        *,
        toward: "MediaChannel | None" = None,
        sound: str = "",
    ) -> None:
        """Hear and be heard in a mixer: see `wire.Join`. `toward`: the channel that a whisper is
        for; `sound`: the name of what a leg of role `tone` hears."""
        number = 0 if toward is None else toward.number
        self.send(wire.Join(mixer=mixer, role=role, toward=number, sound=sound))

    def leave(self) -> None:
        """Out of the mixer."""
        self.send(wire.Leave())

    def pause_record(self, paused: bool) -> None:
        """Leave out of the recording what follows, or go on with it."""
        self.send(wire.PauseRecord() if paused else wire.ResumeRecord())

    def stop_record_call(self) -> None:
        """End the recording begun by a `wire.RecordCall` sent; `CallRecorded` follows."""
        self.send(wire.StopRecordCall())

    def judge(self, most_ms: int) -> None:
        """Say who answered, within so long: see `wire.Judge`."""
        self.send(wire.Judge(most_ms=most_ms))

    def stop_judging(self) -> None:
        """It matters no more who answered."""
        self.send(wire.StopJudging())

    def keys_by(self, method: str) -> None:
        """The leg's keys come another way (`info`): no more of them from its media."""
        self.send(wire.KeysBy(method=method))

    def hold(self, held: bool) -> None:
        """The peer holds us: no media time-out."""
        self.send(wire.Hold(held=held))

    def close(self) -> None:
        """Give the channel back; `Stats` and `Closed` follow. A second call does nothing."""
        self.send(wire.Close())

    def send(self, message: wire.Message) -> None:
        """Send any message of `wire` for this channel; nothing happens once the worker is gone."""
        self.worker.send(msgspec.structs.replace(message, channel=self.number))


class MediaWorkers:
    """The pool. `start` before the first `open`; `close` ends every worker."""

    def __init__(self, options: MediaOptions, bank_dir: Path) -> None:
        """`bank_dir` holds `prompts.pcma` and `prompts.pcmu`. Where `options` have no number of
        workers yet (`MediaOptions.sized`), there is one."""
        self._options = options
        many = max(1, options.workers)
        self._workers = [
            WorkerProcess(options, bank_dir, offset=index * SLOT_MS / many) for index in range(many)
        ]
        self._numbers = itertools.count(1)
        self._bank_numbers = itertools.count(1)
        self._banks: set[int] = {0}

    @property
    def workers(self) -> Sequence[WorkerProcess]:
        """Every worker, up or not."""
        return tuple(self._workers)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [worker.pid for worker in self._workers if worker.pid]

    @property
    def worker_stats(self) -> list[wire.WorkerStats]:
        """The last figures of each worker that has sent any."""
        return [worker.stats for worker in self._workers if worker.stats is not None]

    @property
    def channels(self) -> int:
        """Channels open in all workers."""
        return sum(worker.load for worker in self._workers)

    async def start(self) -> None:
        """Start every worker and wait for its `Hello`; raises `MediaError`."""
        try:
            await asyncio.gather(*(worker.start() for worker in self._workers))
        except MediaError:
            await self.close()
            raise

    async def open(
        self, address: str, on_event: OnEvent, beside: MediaChannel | None = None
    ) -> MediaChannel | wire.OpenFailed:
        """Open a channel on an address of this machine, in the worker that has fewest; or in that
        of a channel that it is to be joined with."""
        ready = [worker for worker in self._workers if worker.ready]
        if not ready:
            return wire.OpenFailed(reason="no media worker is up")
        worker = min(ready, key=lambda worker: worker.load)
        if beside is not None:
            worker = beside.worker
        near = 0 if beside is None else beside.number
        answer = await worker.open(next(self._numbers), address, on_event, near)
        if isinstance(answer, wire.OpenFailed):
            return answer
        return MediaChannel(worker, answer.channel, answer.port)

    def keep_sound(self, name: str, start: int, samples: int, bank: int = 0) -> None:
        """In every worker a clip of a bank, 5 minutes at most, is a sound of this name: `music` is
        what a leg of that role hears."""
        sound = wire.KeepSound(name=name, bank=bank, start=start, samples=samples)
        for worker in self._workers:
            worker.keep_sound(sound)

    def identify(self, certificate: bytes, key: bytes) -> None:
        """In every worker DTLS shows this certificate, both PEM: before the first `SetRemote` of
        `DtlsKeys`, and again for another one: legs may still name the one before."""
        identity = wire.Identify(certificate=certificate, key=key)
        for worker in self._workers:
            worker.identify(identity)

    async def open_bank(self, folder: Path) -> int:
        """Have every worker play from the bank in `folder` too; its number. Raises `MediaError`
        where one cannot, or `wire.MAX_BANKS` are open; then none does."""
        if len(self._banks) >= wire.MAX_BANKS:
            raise MediaError(f"{wire.MAX_BANKS} prompt banks are open; older calls must end first")
        number = next(self._bank_numbers)
        self._banks.add(number)
        errors = await asyncio.gather(
            *(worker.open_bank(number, folder) for worker in self._workers)
        )
        if error := next(filter(None, errors), ""):
            self.leave_bank(number)
            raise MediaError(f"the prompt bank in {folder} cannot be played from: {error}")
        return number

    def leave_bank(self, number: int) -> None:
        """Nothing is played from this bank any more; the first one (0) stays."""
        if number == 0 or number not in self._banks:
            return
        self._banks.discard(number)
        for worker in self._workers:
            worker.leave_bank(number)

    async def close(self) -> None:
        """Shut every worker down; those that do not go are killed."""
        await asyncio.gather(*(worker.close() for worker in self._workers))
