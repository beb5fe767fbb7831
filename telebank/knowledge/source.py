"""Where articles come from, and whether they are others now."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telebank.knowledge.load import Facts, files_of, load_book
from telebank.knowledge.model import Book


@dataclass(frozen=True, slots=True)
class Source:
    """Folders of which a later one's files stand for an earlier one's, and the figures that texts
    name."""

    folders: Sequence[Path]
    facts: Facts

    def load(self) -> Book:
        """All of it; raises `KnowledgeError`."""
        return load_book(self.folders, self.facts)

    def stamp(self) -> tuple[object, ...]:
        """Another one once a file was changed, added or taken away. Raises `OSError`."""
        stats = [(path, path.stat()) for path in files_of(self.folders).values()]
        return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)
