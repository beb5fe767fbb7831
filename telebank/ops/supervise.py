"""Child processes of `telebank run`: started, watched, restarted when they die, stopped."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_PATIENCE_S = 75.0
"""Seconds between SIGTERM and SIGKILL: more than a node needs to wait for its host's answers."""
RESTART_DELAYS_S = (0.2, 1.0, 2.0, 5.0, 10.0)
"""Seconds before each restart in a row; the last one repeats."""
STEADY_S = 30.0
"""A child that lived this long starts its row of delays anew."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start a child; its output goes to `log`."""

    name: str
    arguments: Sequence[str]
    log: Path


class ChildFailed(Exception):  # noqa: N818 - reads as what it is
    """A child ended before it was ready; the text has the end of its log."""


class Child:
    """One supervised process. `said` is told of deaths and restarts in words."""

    def __init__(self, spec: ChildSpec, said: Callable[[str], None]) -> None:
        self.spec = spec
        self._said = said
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self._hurried = False

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return self._process.pid if self._process is not None else None

    async def start(self, ready: Path, timeout: float) -> None:
        """Start it and wait for its `ready` file, in seconds; raises `ChildFailed`.

        A child that is not ready, or whose start is given up, is stopped before this returns.
        """
        ready.unlink(missing_ok=True)
        try:
            await self._until_ready(await self._spawn(), ready, timeout)
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._keep(), name=f"watch {self.spec.name}")

    async def _until_ready(
        self, process: asyncio.subprocess.Process, ready: Path, timeout: float
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not ready.exists():
            if process.returncode is not None:
                raise ChildFailed(self._ended_early(process.returncode))
            if loop.time() > deadline:
                raise ChildFailed(f"{self.spec.name} was not ready within {timeout:.0f} s")
            await asyncio.sleep(0.05)

    def _ended_early(self, code: int) -> str:
        lines = self.spec.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        return f"{self.spec.name} ended with exit code {code}:\n  " + "\n  ".join(lines)

    async def _spawn(self) -> asyncio.subprocess.Process:
        with self.spec.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A group of its own: Ctrl-C reaches the supervisor, which stops them in order.
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        return self._process

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        deaths = 0
        while True:
            assert self._process is not None
            began = loop.time()
            code = await self._process.wait()
            if self._stopping:
                return
            deaths = 0 if loop.time() - began > STEADY_S else deaths
            delay = RESTART_DELAYS_S[min(deaths, len(RESTART_DELAYS_S) - 1)]
            deaths += 1
            self._said(f"{self.spec.name} ended (exit code {code}); restart in {delay:g} s")
            await asyncio.sleep(delay)
            await self._spawn_again(delay)
            self._said(f"{self.spec.name} started again (process {self.pid})")

    async def _spawn_again(self, delay: float) -> None:
        """Start it; a machine that cannot (full disk, no memory) is asked again."""
        while True:
            try:
                await self._spawn()
            except OSError as error:
                self._said(f"{self.spec.name} cannot be started: {error.strerror}; trying again")
                await asyncio.sleep(delay)
            else:
                return

    def hurry(self) -> None:
        """Have it stop at once, now or when it is told to: SIGINT after SIGTERM."""
        self._hurried = True
        if self._stopping and self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after patience runs out."""
        self._stopping = True
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            if self._hurried:
                process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), STOP_PATIENCE_S)
            except TimeoutError:
                self._said(f"{self.spec.name} did not stop; killing it")
                process.kill()
                await process.wait()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
