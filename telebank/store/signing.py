"""Follows the leaves of a node's log by cursor and signs checkpoints of them, beside its writer."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine

from telebank.audit.merkle import CompactRange
from telebank.audit.notes import SigningKey
from telebank.audit.verify import Bad, Keys
from telebank.store.audit_keys import current_key, numbers_of, open_key, stored_form
from telebank.store.checkpoints import (
    LeafMissing,
    StoredKey,
    checkpoint_up_to,
    end_of_leaves,
    keys_of,
    leaves,
)
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing

NO_END = 2**62


class LogChanged(Exception):  # noqa: N818 - reads as what it is
    """The store is not as this node left it: nothing is signed until somebody has looked."""


FAULTS = (LogChanged, LeafMissing, KeyFileError, StoreMissing, OSError)
"""What may be wrong with a log or its keys, beside the database's own errors."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that is not in the store yet."""

    tree: CompactRange
    note: str
    key: StoredKey | None
    """The key that signed, where the store does not have it yet."""


class Signer:
    """One node's tree. Its methods block, and are called one at a time; they raise `FAULTS`."""

    def __init__(self, url: str, node: str, keys: Path) -> None:
        self._url, self._node, self._keys = url, node, keys
        self._engine: Engine | None = None
        self._tree: CompactRange | None = None
        self._key: SigningKey | None = None
        self._stored_key = 0

    @property
    def size(self) -> int:
        """Entries below the last checkpoint."""
        return 0 if self._tree is None else self._tree.size

    def new_entries(self) -> int:
        """How many entries no checkpoint stands for."""
        with self._reader().connect() as connection:
            return end_of_leaves(connection, self._node) - self._begun(connection).size

    def sign(self) -> Signed | None:
        """A checkpoint of all there is; None where nothing is new."""
        with self._reader().connect() as connection:
            was = self._begun(connection)
            end = end_of_leaves(connection, self._node)
            if end < was.size:
                raise LogChanged(f"the log ends at {end}, its last checkpoint is of {was.size}")
            if end == was.size:
                return None
            tree = was.copy()
            for leaf in leaves(connection, self._node, was.size, end):
                tree.append(leaf)
            key = self._current()
            new = self._unknown(connection, key)
        return Signed(tree, key.checkpoint(tree.size, tree.root()), new)

    def stands(self, signed: Signed) -> None:
        """The checkpoint is in the store: the next one goes on from it."""
        self._tree = signed.tree
        if signed.key is not None:
            self._stored_key = signed.key.number

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()

    def _begun(self, connection: Connection) -> CompactRange:
        if self._tree is None:
            self._tree = self._from_store(connection)
        return self._tree

    def _from_store(self, connection: Connection) -> CompactRange:
        """The tree of the last checkpoint, from where this node goes on: none but its own."""
        known = self._known(connection, self._current())
        newest = checkpoint_up_to(connection, self._node, NO_END)
        if newest is None:
            # The first key is written with the first checkpoint, so that it never stands alone.
            if known and end_of_leaves(connection, self._node):
                raise LogChanged("its checkpoints are gone, and a key that signed some is there")
            return CompactRange()
        numbers = numbers_of(self._keys, self._node)
        own = Keys(open_key(self._keys, self._node, number).public for number in numbers)
        try:
            tree, said = newest.tree(), own.checkpoint(newest.note)
        except (Bad, ValueError) as error:
            raise LogChanged(f"the last checkpoint was changed: {error}") from error
        if (said.size, said.root) != (tree.size, tree.root()):
            raise LogChanged(f"the last checkpoint, of size {tree.size}, was changed")
        return tree

    def _current(self) -> SigningKey:
        """The key of the highest number; looked for each time, as it may be a new one."""
        numbers = numbers_of(self._keys, self._node)
        if self._key is None or numbers[-1:] != [self._key.number]:
            self._key = current_key(self._keys, self._node)
        return self._key

    def _known(self, connection: Connection, key: SigningKey) -> bool:
        """Whether the store has some key of this node; of this number it must be this one."""
        stored = {each.number: each.public for each in keys_of(connection, self._node)}
        if stored.get(key.number, key.public.text) != key.public.text:
            raise LogChanged(f"key {key.number} of the store is not the one of DATA/keys")
        if key.number in stored:
            self._stored_key = key.number
        return bool(stored)

    def _unknown(self, connection: Connection, key: SigningKey) -> StoredKey | None:
        if key.number != self._stored_key:
            self._known(connection, key)
        return None if key.number == self._stored_key else stored_form(self._keys, key)

    def _reader(self) -> Engine:
        if self._engine is None:
            self._engine = open_read_only(self._url)
        return self._engine
