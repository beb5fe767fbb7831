"""The articles as they are now: read anew when their files have changed."""

import structlog

from telebank.console.shared import Shared
from telebank.knowledge.index import Shelf
from telebank.knowledge.load import KnowledgeError
from telebank.knowledge.model import EMPTY
from telebank.knowledge.source import Source

LOOK_S = 5.0
"""How old what is shown may be, in seconds."""
log = structlog.get_logger("telebank.console")


class Shelves:
    """One shelf for all threads. Files that cannot be used are `broken`, and the shelf stays as it
    was."""

    def __init__(self, source: Source | None) -> None:
        self.broken = False
        self._source = source
        self._stamp: tuple[object, ...] | None = None
        self._shelf = Shelf(EMPTY)
        self._shared = Shared(self._look, LOOK_S)

    def get(self, *, fresh: bool = False) -> Shelf:
        """The articles; `fresh`: looked for now."""
        return self._shared.get(fresh=fresh)

    def _look(self) -> Shelf:
        try:
            stamp = self._source.stamp() if self._source else None
            if self._source and stamp != self._stamp:
                self._stamp = stamp
                self._shelf, self.broken = Shelf(self._source.load()), False
        except (KnowledgeError, OSError) as error:
            self.broken = True
            log.error("console.knowledge_refused", why=str(error))
        return self._shelf
