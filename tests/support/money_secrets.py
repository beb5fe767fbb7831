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
from numpy.typing import NDArray

from core_adapters.corehost.seed import DEMO, trial_set
from core_adapters.hsm.kinds import PinFormat
from core_adapters.hsm.pinblocks import seal
from core_adapters.hsm.port import SecurityModule
from core_adapters.hsm.sealed_file import KEYS_FILE
from core_adapters.hsm.software import open_software
from support.money_unpacked import is_core, pieces
from transactions.card import CardNumber
from transactions.secret import Secret

WINDOW = 6
"""Octets by which a spelling is looked up; twelve digits in BCD have no more."""
PART = 4_000_000
"""Octets looked at together."""
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
    octets, starts = np.frombuffer(content, np.uint8), np.fromiter(table, np.uint64)
    likely = np.zeros(1 << 16, bool)
    likely[(starts & np.uint64(0xFFFF)).astype(np.int64)] = True
    return [
        f"{one.what} at {place}"
        for begin in range(0, len(octets) - WINDOW + 1, PART)
        for place, start in _alike(octets[begin : begin + PART + WINDOW - 1], likely, starts, begin)
        for one in table[start]
        if content.startswith(one.octets, place)
    ]


def _alike(
    octets: NDArray[np.uint8], likely: NDArray[np.bool_], starts: NDArray[np.uint64], begin: int
) -> Iterator[tuple[int, int]]:
    """Where a spelling may start, and with what; told apart by two octets first, for voices are
    large. `begin` is the place of the first octet."""
    pairs = octets[: len(octets) - WINDOW + 1] | octets[1:][: len(octets) - WINDOW + 1].astype(
        np.uint16
    ) << np.uint16(8)
    places = np.flatnonzero(likely[pairs])
    windows = np.zeros(len(places), np.uint64)
    for index in range(WINDOW):
        windows |= octets[places + index].astype(np.uint64) << np.uint64(8 * index)
    found = np.isin(windows, starts)
    for place, start in zip(places[found], windows[found], strict=True):
        yield begin + int(place), int(start)


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
            found += [f"{path}: {what}" for what in in_file(path, sealed, data / "keys")]
    return found


def in_file(path: Path, sealed: Blocks = (), keys: Path | None = None) -> list[str]:
    """What one file tells, in whatever form; `keys` is the DATA/keys of its node."""
    found = [*found_in(path.read_bytes(), sealed), *(["a core file"] * is_core(path))]
    for words, piece in pieces(path, keys):
        told = found_in(piece, sealed)
        if words.startswith("keys of"):  # a card's number may be keyed while a teller listens
            told = [one for one in told if one.startswith("PIN")]
        found += [f"{one}, {words}" for one in told]
    return found


def findings_below(folder: Path) -> list[str]:
    """The same for all nodes that ever kept their data below `folder`."""
    seen: set[int] = set()
    nodes = sorted(path.parent for path in folder.rglob("telebank.db"))
    return [one for data in nodes for one in findings(data, seen)]
