"""Awaiting an adapter without trusting it: its exceptions come back as values."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from transactions.ports import JournalUnavailable, LeaseLost, Unsupported
from transactions.sending import NotRecorded, SendDeadlinePassed

T = TypeVar("T")
PASSING = (LeaseLost, JournalUnavailable, Unsupported, SendDeadlinePassed, NotRecorded)
"""Exceptions that are no bugs: the port's own, and those of the logs handed to an adapter."""


@dataclass(frozen=True, slots=True)
class AdapterFailed:
    """The adapter raised what it should not: a bug, which must not leave a row without an end."""

    error: BaseException

    @property
    def kind(self) -> str:
        """The kind of error; never its text, which may quote a value."""
        return type(self.error).__name__

    @property
    def why(self) -> str:
        """For the journal."""
        return f"adapter failed: {self.kind}"


async def guarded(work: Coroutine[Any, Any, T]) -> T | AdapterFailed:
    """The adapter's answer, or `AdapterFailed`; the port's own exceptions pass.

    The call runs in a task of its own, so that a bug in it is looked at rather than caught.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise
    if task.cancelled():
        return AdapterFailed(asyncio.CancelledError())
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, PASSING):
        raise error
    return AdapterFailed(error)
