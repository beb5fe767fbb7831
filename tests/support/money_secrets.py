"""Looks for every test PIN and card number, in every spelling, in all files of a node's folder.

The test PINs and card numbers have twelve digits and more, so that a hit is never chance. What a
core host keeps in its own folder is not searched, nor the fault plans that tests write for it.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core_adapters.corehost.seed import DEMO, trial_set
from core_adapters.hsm.kinds import PinFormat
from core_adapters.hsm.pinblocks import seal
from core_adapters.hsm.port import SecurityModule
from core_adapters.hsm.sealed_file import KEYS_FILE
from core_adapters.hsm.software import open_software
from transactions.card import CardNumber
from transactions.secret import Secret

WINDOW = 6
"""Octets by which a spelling is looked up; twelve digits in BCD have no more."""
NOT_OURS = frozenset({"corehost", "faults.json"})
KEY_EVENT = re.compile(rb'"digit"\s*:\s*"(.)"')
LAST_ON_LINE = re.compile(rb"(?<![0-9.:])([0-9])\W*$", re.MULTILINE)


@dataclass(frozen=True)
class Spelling:
    """Some octets that say a secret, and which."""

    octets: bytes
    what: str


def spellings(digits: str) -> Iterator[bytes]:
    """Text, UTF-16, hexadecimal of the text, BCD in both nibble orders, base64 in all phases."""
    yield digits.encode()
    yield digits.encode("utf-16-le")
    yield digits.encode("utf-16-be")
    yield digits.encode().hex().encode()
    bcd = bytes.fromhex(digits if len(digits) % 2 == 0 else digits + "f")
    yield bcd
    yield bytes((octet >> 4) | (octet & 15) << 4 for octet in bcd)
    for phase in range(3):
        text = base64.b64encode(b"\0" * phase + digits.encode())
        yield text[4 if phase else 0 : -4]


def _number_spellings() -> Iterator[Spelling]:
    for one in (*trial_set(), *DEMO):
        for octets in spellings(one.card):
            yield Spelling(octets, f"card {one.card}")
    for one in trial_set():
        for octets in spellings(one.pin):
            yield Spelling(octets, f"PIN of card {one.card}")


def clear_block(pin: str, card: str) -> bytes:
    """The PIN block of format 0 before it is enciphered."""
    return seal(PinFormat.ISO_0, Secret(pin), CardNumber(card), lambda block: block)


Blocks = tuple[bytes, ...]
"""PIN blocks of the cards of `trial_set`, in order."""


def sealed_blocks(module: SecurityModule) -> Blocks:
    """Field 52 of each card's right PIN under the gateway's zone key, where it has one."""
    if not any(info.spec.name == "tb87.zpk" for info in module.list_keys()):
        return ()
    return tuple(
        module.pin_block("tb87.zpk", Secret(one.pin), CardNumber(one.card), PinFormat.ISO_0)
        for one in trial_set()
    )


def _block_spellings(sealed: Blocks) -> Iterator[Spelling]:
    """Field 52 of each card's right PIN: clear (format 0), and under the zone key where known."""
    for number, one in enumerate(trial_set()):
        for block in (clear_block(one.pin, one.card), *sealed[number : number + 1]):
            text = block.hex()
            for octets in (block, text.encode(), text.upper().encode()):
                yield Spelling(octets, f"PIN block of card {one.card}")


Table = Mapping[int, Sequence[Spelling]]


@cache
def _table(sealed: Blocks) -> Table:
    table: dict[int, list[Spelling]] = {}
    for one in (*_number_spellings(), *_block_spellings(sealed)):
        table.setdefault(int.from_bytes(one.octets[:WINDOW], "little"), []).append(one)
    return table


def found_in(content: bytes, sealed: Blocks = ()) -> list[str]:
    """What a file's octets tell."""
    found = _spelled(content, _table(sealed))
    for sequence in (KEY_EVENT.findall(content), LAST_ON_LINE.findall(content)):
        # Digits one at a time, a line or an event each, are digits too.
        found += [f"{one}, key by key" for one in _spelled(b"".join(sequence), _table(sealed))]
    return found


def _spelled(content: bytes, table: Table) -> list[str]:
    octets = np.frombuffer(content, np.uint8)
    if len(octets) < WINDOW:
        return []
    windows = np.zeros(len(octets) - WINDOW + 1, np.uint64)
    for index in range(WINDOW):
        part = octets[index : index + len(windows)].astype(np.uint64)
        windows |= part << np.uint64(8 * index)
    places = np.flatnonzero(np.isin(windows, np.fromiter(table, np.uint64)))
    return [
        f"{one.what} at {place}"
        for place in places
        for one in table[int(windows[place])]
        if content.startswith(one.octets, int(place))
    ]


def findings(data: Path, seen: set[int] | None = None) -> list[str]:
    """Everything that may not be in a node's data folder: file and what it tells.

    `seen` has the inodes that need no second look, such as of voice banks lent to many nodes.
    """
    seen = set() if seen is None else seen
    sealed: Blocks = ()
    if (data / "keys" / KEYS_FILE).exists():
        sealed = sealed_blocks(open_software(data / "keys"))
    found = []
    for path in sorted(data.rglob("*")):
        inside = path.relative_to(data).parts
        if not path.is_file() or not NOT_OURS.isdisjoint(inside):
            continue
        if (inode := path.stat().st_ino) not in seen:
            seen.add(inode)
            found += [f"{path}: {what}" for what in found_in(path.read_bytes(), sealed)]
    return found


def findings_below(folder: Path) -> list[str]:
    """The same for all nodes that ever kept their data below `folder`."""
    seen: set[int] = set()
    nodes = sorted(path.parent for path in folder.rglob("telebank.db"))
    return [one for data in nodes for one in findings(data, seen)]
