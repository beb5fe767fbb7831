"""The keys that sign checkpoints: `DATA/keys/auditNNkM.key`, node NN, key number M from 1.

The one of the highest number signs. It is not enough to have it: what was copied off the machine
before it was stolen stays as it is.
"""

import contextlib
import re
import secrets
from pathlib import Path

from telebank.audit.notes import SEED_BYTES, SigningKey
from telebank.store.checkpoints import StoredKey
from telebank.store.errors import KeyFileError
from telebank.store.key_files import DIRECTORY_MODE, read_key, write_key

MAX_KEYS = 100
_FILE = re.compile(r"audit([0-9]{2})k([1-9][0-9]?)\.key")


def numbers_of(directory: Path, node: str) -> list[int]:
    """The numbers of a node's keys that lie there."""
    found = (_FILE.fullmatch(path.name) for path in directory.glob(f"audit{node}k*.key"))
    return sorted(int(each[2]) for each in found if each is not None)


def open_key(directory: Path, node: str, number: int) -> SigningKey:
    """One of a node's keys; raises `KeyFileError` where it is missing or open to others."""
    return SigningKey.of_seed(node, number, read_key(_path(directory, node, number)))


def current_key(directory: Path, node: str) -> SigningKey:
    """The key that signs; the first is made where there is none."""
    numbers = numbers_of(directory, node)
    return open_key(directory, node, numbers[-1]) if numbers else _make(directory, node, 1)


def next_key(directory: Path, node: str) -> SigningKey:
    """Make a node's next key; the node signs with it from its next checkpoint on."""
    numbers = numbers_of(directory, node)
    if not numbers:
        raise KeyFileError(f"node {node} has no key in {directory}: it is made at its first start")
    if numbers[-1] + 1 >= MAX_KEYS:
        raise KeyFileError(f"node {node} has had {MAX_KEYS - 1} keys: that is all there can be")
    return _make(directory, node, numbers[-1] + 1)


def stored_form(directory: Path, key: SigningKey) -> StoredKey:
    """As the store has it, with the statement of the key before."""
    node = key.public.name[-2:]
    if key.number == 1:
        return StoredKey(1, key.public.text, None)
    before = open_key(directory, node, key.number - 1)
    return StoredKey(key.number, key.public.text, before.statement(key.public))


def _make(directory: Path, node: str, number: int) -> SigningKey:
    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # another process was first
        write_key(_path(directory, node, number), secrets.token_bytes(SEED_BYTES))
    return open_key(directory, node, number)


def _path(directory: Path, node: str, number: int) -> Path:
    return directory / f"audit{node}k{number}.key"
