"""The same request id of the same person gives the same answer, and does the act once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telebank.calls.control.common import Reply, refused

SEED, HALF, RECORDING, SECRET = "otpauth", "half", "recording", "secret"
SHOWN_ONCE = frozenset({SEED, HALF, RECORDING, SECRET})
"""What an answer shows once: it is in no second one, and not kept."""
PASSING = 500
"""Statuses from here on say that nothing was done: the same id may try again."""


@dataclass(slots=True)
class _Known:
    digest: bytes
    task: asyncio.Task[Reply]


class Answers:
    """Answers to acts of this run, the newest `most`. What an act did is durable in the store,
    whose rows refuse a second time whatever is forgotten here."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    async def once(
        self, who: str, request_id: str, digest: bytes, work: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """Do the work, or give the answer it had. It goes on where the asker goes away."""
        key = (who, request_id)
        known = self._known.get(key)
        if known is not None and known.digest != digest:
            return refused(409, "request_id_used", "this request id had other content before")
        if known is None:
            task = asyncio.ensure_future(_run(work))
            known = self._known[key] = _Known(digest, task)
            task.add_done_callback(lambda done: self._ended(key, done))
            self._trim()
            return await asyncio.shield(task)
        return _without_secret(await asyncio.shield(known.task))

    def knows(self, who: str, request_id: str) -> bool:
        """Whether this act was done, or is being done."""
        return (who, request_id) in self._known

    def _ended(self, key: tuple[str, str], task: asyncio.Task[Reply]) -> None:
        known = self._known.get(key)
        if known is None or known.task is not task:
            return
        if task.cancelled() or task.exception() is not None or task.result().status >= PASSING:
            del self._known[key]
            return
        if SHOWN_ONCE & task.result().body.keys():
            known.task = asyncio.ensure_future(_given(_without_secret(task.result())))

    def _trim(self) -> None:
        while len(self._known) > self._most:
            oldest = next(iter(self._known))
            if not self._known[oldest].task.done():
                return
            del self._known[oldest]


async def _run(work: Callable[[], Awaitable[Reply]]) -> Reply:
    return await work()


async def _given(reply: Reply) -> Reply:
    return reply


def _without_secret(reply: Reply) -> Reply:
    return Reply(reply.status, {k: v for k, v in reply.body.items() if k not in SHOWN_ONCE})
