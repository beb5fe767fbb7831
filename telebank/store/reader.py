"""Reads beside the writer: what people look at waits for no commit, and no commit waits for it."""

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from telebank.store.engine import open_read_only
from telebank.store.errors import StoreMissing, StoreUnavailable, said
from telebank.store.options import StoreOptions

T = TypeVar("T")
MOST_AT_ONCE = 4
"""Reads under way; a further one waits on the loop."""


class Reader:
    """Reads of a node's own store, each over a connection that cannot write, in a thread."""

    def __init__(self, url: str, options: StoreOptions) -> None:
        self._url, self._options = url, options
        self._engine: Engine | None = None
        self._lock = Lock()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds, all of it committed before. Raises `StoreUnavailable`."""
        async with self._places:
            return await asyncio.to_thread(self._run, work)

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._opened().connect() as connection:
                return work(connection)
        except DBAPIError as error:
            raise StoreUnavailable(said(error)) from error
        except StoreMissing as error:
            raise StoreUnavailable(str(error)) from error

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = open_read_only(self._url, self._options)
            return self._engine
