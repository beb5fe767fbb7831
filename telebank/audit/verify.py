#!/usr/bin/env python3
"""Verify an export of a telebank's audit log: Python 3.11 and `cryptography`, nothing else.

    python3 verify.py EXPORT --anchors DIR --keys KEYS.txt

EXPORT is a file of `telebank audit export` or of `telebank audit prove`, DIR the copies of signed
checkpoints (anchors) that the node made outside the bank's machine, KEYS.txt the public keys that
were noted down when the node was installed, one a line. Exit code 0: all is as it was written;
1: something is not, and the first bad entry (node and sequence) and the last good anchor are named.

Leaves and trees are those of RFC 6962 section 2.1, proofs are checked by RFC 9162 sections 2.1.3.2
and 2.1.4.2, checkpoints and keys are C2SP's tlog-checkpoint and signed-note. The format of the
export is in docs/audit.md. The node itself makes its trees with the functions of this file.
"""

import base64
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASH_BYTES = 32
ED25519 = 1
"""Kind of signature in a key of a signed note."""
ORIGIN = "telebank/node-"
"""A checkpoint's origin, and the name of the keys that sign it, before the node's number."""
FORMAT = 1
"""Version of the export's format."""
EXPORT, PROOF = "telebank-audit", "telebank-audit-proof"
STATEMENT = "telebank audit key"
"""First line of a note by which a key names the next one."""
MAX_LINE = 1_000_000
MAX_NOTE = 10_000
"""Bytes of a line of the export, and of a note."""
MAX_ANCHORS = 2_000_000
MAX_KEPT = 4_000_000
"""Leaf hashes kept since the last good anchor, to tell which entry is the first bad one."""
_SIZE = re.compile("0|[1-9][0-9]{0,17}")
SILENCE_US = 150_000_000
"""The node writes at least an entry a minute: more than this without one is said."""
MAX_SILENCES = 5


class Bad(Exception):  # noqa: N818 - reads as what it is
    """Something is not as it was written; the message says what."""


# -- the tree -------------------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data): the hash of a leaf (32 bytes)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right): the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that only grows: the roots of its perfect subtrees, largest first, one for each bit
    of its size. Ten million leaves are 24 hashes at most."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if size < 0 or len(self.peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks")
        if any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"a peak is a hash of {HASH_BYTES} bytes")

    def append(self, leaf: bytes) -> None:
        """Take the next leaf hash."""
        peaks, size = self.peaks, self.size
        while size & 1:
            leaf = node_hash(peaks.pop(), leaf)
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The tree hash at this size; of no leaves, SHA-256 of nothing."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        *left, root = self.peaks
        for peak in reversed(left):
            root = node_hash(peak, root)
        return root

    def copy(self) -> "CompactRange":
        """One that grows by itself."""
        return CompactRange(self.size, self.peaks)


def inclusion_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves leaf number `index` (from 0) of the tree; RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    here, last = index, size - 1
    for other in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            leaf = node_hash(other, leaf)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            leaf = node_hash(leaf, other)
        here, last = here >> 1, last >> 1
    return last == 0 and leaf == root


def consistency_holds(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Whether `path` proves that the tree of `new` leaves begins with that of `old`; RFC 9162
    section 2.1.4.2. The empty tree begins every other."""
    if old in (0, new):
        return not path and (old == 0 or old_root == new_root)
    if not 0 < old < new or not path:
        return False
    rest = list(path) if old & (old - 1) else [old_root, *path]
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = rest[0]
    for other in rest[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, other)
        here, last = here >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


# -- signed notes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key of a signed note: `NAME+HASH+BASE64`, HASH its first four bytes in hexadecimal."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256(name || LF || 0x01 || key)."""
        named = self.name.encode() + b"\n" + bytes([ED25519]) + self.raw
        return hashlib.sha256(named).digest()[:4]

    @property
    def text(self) -> str:
        """As it is noted down."""
        coded = base64.b64encode(bytes([ED25519]) + self.raw).decode()
        return f"{self.name}+{self.id.hex()}+{coded}"

    @classmethod
    def read(cls, text: str) -> "PublicKey":
        """Raises `Bad`."""
        name, _, rest = text.partition("+")
        said, _, coded = rest.partition("+")
        raw = _unbase64(coded)
        if not name or len(raw) != HASH_BYTES + 1 or raw[0] != ED25519:
            raise Bad(f"{text[:80]!r} is no key NAME+HASH+BASE64 of Ed25519")
        key = cls(name, raw[1:])
        if key.id.hex() != said:
            raise Bad(f"key {name}+{said}: its hash is {key.id.hex()}; it was copied wrong")
        return key

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note: text, and for each signature the key's name, id and the signature."""

    text: bytes
    signatures: Sequence[tuple[str, bytes, bytes]]

    @classmethod
    def read(cls, note: str) -> "Note":
        """Raises `Bad`."""
        text, found, last = note.rpartition("\n\n")
        if not found or not last.endswith("\n") or len(note) > MAX_NOTE:
            raise Bad("no signed note: text, an empty line, signatures")
        signatures = []
        for line in last[:-1].split("\n"):
            mark, name, coded, *more = [*line.split(" "), "", ""][:5]
            raw = _unbase64(coded)
            if mark != "\u2014" or not name or len(raw) <= 4 or any(more):  # noqa: PLR2004 - the key's id
                raise Bad("a line of signature is not: dash, name, base64")
            signatures.append((name, raw[:4], raw[4:]))
        return cls(f"{text}\n".encode(), signatures)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed checkpoint says."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The lines that are signed (C2SP tlog-checkpoint)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def read(cls, note: Note) -> "Checkpoint":
        """Raises `Bad`."""
        lines = note.text.decode().split("\n")
        if len(lines) < 4 or _SIZE.fullmatch(lines[1]) is None:  # noqa: PLR2004
            raise Bad("no checkpoint: origin, size, root")
        root = _unbase64(lines[2])
        if len(root) != HASH_BYTES or not lines[0]:
            raise Bad("a checkpoint without origin or root")
        return cls(lines[0], int(lines[1]), root)


class Keys:
    """Keys that are trusted: those noted down, and those that a trusted one named as its next."""

    def __init__(self, trusted: Iterable[PublicKey]) -> None:
        self._keys = {(key.name, key.id): key for key in trusted}
        self._rank: dict[bytes, int] = {}
        """Number of a key, by its id, where a statement tells it."""
        self._heirs: dict[bytes, bytes] = {}
        """By a key's id, that of the one which it named."""
        self._newest: dict[str, tuple[int, int]] = {}
        """By origin, the highest rank that signed, and the smallest size that it signed."""

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> "Keys":
        """Keys one a line; empty lines and those that begin with # are none. Raises `Bad`."""
        found = [
            PublicKey.read(line.strip())
            for path in paths
            for line in _text(path).splitlines()
            if line.strip() and not line.startswith("#")
        ]
        if not found:
            raise Bad("no public key is given: NAME+HASH+BASE64, one a line")
        return cls(found)

    def signer(self, note: Note) -> PublicKey:
        """The trusted key that signed; raises `Bad` where none did."""
        for name, key_id, signature in note.signatures:
            key = self._keys.get((name, key_id))
            if key is not None and key.signed(note.text, signature):
                return key
        raise Bad("it is not signed by a trusted key")

    def learn(self, statements: Sequence[str]) -> None:
        """Take the keys that trusted ones named. What nobody trusted signed is passed over: its
        checkpoints will not be trusted either. Raises `Bad` where a key named two."""
        left = [Note.read(text) for text in statements]
        while left:
            known = [note for note in left if self._trusted(note)]
            if not known:
                return
            for note in known:
                self._take(note)
            left = [note for note in left if note not in known]

    def _trusted(self, note: Note) -> bool:
        try:
            self.signer(note)
        except Bad:
            return False
        return True

    def _take(self, note: Note) -> None:
        by = self.signer(note)
        lines = note.text.decode().split("\n")
        if len(lines) != 5 or lines[0] != STATEMENT or lines[1] != by.name:  # noqa: PLR2004
            return  # a checkpoint in its place names nobody
        key = PublicKey.read(lines[3])
        if key.name != by.name or not lines[2].isdigit():
            raise Bad(f"key {by.text} named {lines[3][:80]!r}, of another node")
        if self._heirs.setdefault(by.id, key.id) != key.id:
            raise Bad(f"key {by.text} named two keys as its next")
        self._keys[key.name, key.id] = key
        self._rank[key.id] = int(lines[2])
        self._rank.setdefault(by.id, int(lines[2]) - 1)

    def checkpoint(self, note: str) -> Checkpoint:
        """A checkpoint that a trusted key signed, whose time was not over. Give them by rising
        size. Raises `Bad`."""
        read = Note.read(note)
        key, found = self.signer(read), Checkpoint.read(read)
        if key.name != found.origin:
            raise Bad(f"{key.name} signed a checkpoint of {found.origin}")
        rank = self._rank.get(key.id, 0)
        newest, since = self._newest.get(found.origin, (0, 0))
        if rank < newest and found.size > since:
            raise Bad(f"key {key.id.hex()} signed it, whose successor signs since size {since}")
        if rank > newest or (rank == newest and found.size < since):
            self._newest[found.origin] = (rank, found.size)
        return found


# -- anchors --------------------------------------------------------------------------------------


class Anchors:
    """Copies of checkpoints outside the bank's machine, with the leaf hashes between them."""

    def __init__(self, directory: Path, keys: Keys) -> None:
        self.faults: list[str] = []
        self.roots: dict[str, dict[int, tuple[bytes, Path]]] = {}
        """By origin and size, the root and the file that has it."""
        self._leaves: dict[str, list[tuple[int, int, Path]]] = {}
        if not directory.is_dir():
            raise Bad(f"{directory}: no such directory of anchors")
        keys.learn([_text(path) for path in sorted(directory.rglob("*.statement"))])
        files = sorted(directory.rglob("*.checkpoint"), key=lambda path: (path.name, path))
        if len(files) > MAX_ANCHORS:
            raise Bad(f"{directory} has more than {MAX_ANCHORS} anchors")
        for path in files:
            try:
                found = keys.checkpoint(_text(path))
            except Bad as error:
                self.faults.append(f"anchor {path}: {error}")
                continue
            root, other = self.roots.setdefault(found.origin, {}).setdefault(
                found.size, (found.root, path)
            )
            if root != found.root:
                self.faults.append(f"anchors {other} and {path} are of one size and differ")
            self._leaves.setdefault(found.origin, [])
        self._find_leaves(directory)

    def _find_leaves(self, directory: Path) -> None:
        for path in directory.rglob("*.leaves"):
            begin, _, end = path.stem.partition("-")
            origin = path.parent.parent.name.replace("_", "/", 1)
            if origin in self._leaves and begin.isdigit() and end.isdigit():
                self._leaves[origin].append((int(begin), int(end), path))

    def sizes(self, origin: str) -> list[int]:
        """Anchored sizes, rising."""
        return sorted(self.roots.get(origin, ()))

    def leaves(self, origin: str, tree: CompactRange, until: int) -> list[bytes] | None:
        """The leaf hashes from `tree`'s size to the anchored size `until`, as that anchor proves
        them; None where they are not there."""
        tree = tree.copy()
        found: list[bytes] = []
        for begin, end, path in sorted(self._leaves.get(origin, ())):
            if begin <= tree.size < end <= until and end - begin <= MAX_KEPT:
                raw = _bytes(path, (end - begin) * HASH_BYTES)
                for at in range((tree.size - begin) * HASH_BYTES, len(raw), HASH_BYTES):
                    found.append(raw[at : at + HASH_BYTES])
                    tree.append(found[-1])
        proved = tree.size == until and tree.root() == self.roots[origin][until][0]
        return found if proved else None


# -- one node's log -------------------------------------------------------------------------------


@dataclass
class Report:
    """What was found of one node's log."""

    node: str
    origin: str = ""
    entries: int = 0
    first: int = 0
    last: int = 0
    without_personal: int = 0
    """Entries whose personal detail is not in the export: it was erased, or not asked for."""
    checkpoints: int = 0
    anchors: int = 0
    """Anchors that the log was compared with."""
    last_good_anchor: int | None = None
    anchor_file: str = ""
    first_bad: int | None = None
    last_bad: int | None = None
    """The first bad entry is one of `first_bad` to `last_bad`."""
    faults: list[str] = field(default_factory=list)
    silences: list[str] = field(default_factory=list)


class LogCheck:
    """Follows one node's part of an export, line by line."""

    def __init__(self, said: dict[str, Any], keys: Keys, anchors: Anchors, *, part: bool) -> None:
        self.report = Report(str(said["node"]), str(said["origin"]))
        self._keys, self._anchors, self._part = keys, anchors, part
        first, self._last = _number(said, "first"), _number(said, "last")
        self.report.first, self.report.last = first, self._last
        self._tree = CompactRange(first - 1, map(bytes.fromhex, said["before"]))
        self._good = self._tree.copy()
        self._kept: list[bytes] = []
        """Leaf hashes after `_good`."""
        origin = self.report.origin
        if origin != f"{ORIGIN}{self.report.node}":
            raise Bad(f"{origin} is not the log of node {self.report.node}")
        self._marks = [size for size in anchors.sizes(origin) if size >= self._tree.size]
        self._entry: dict[str, Any] | None = None
        self._was: tuple[object, int] = (None, 0)
        self.over = False
        """Whether a fault was found: what follows it is not looked at."""
        if first != 1 and not part:
            self._stop("the export begins later: say --part where that is known", 1)
        elif self._marks and self._marks[0] == self._tree.size:
            self._anchored()

    def entry(self, line: bytes, said: dict[str, Any]) -> None:
        """An entry; its leaf is made of the very bytes of the line."""
        number = self._tree.size + 1
        if said.get("sequence") != number or said.get("node") != self.report.node:
            found = f"{said.get('node')}-{said.get('sequence')}"
            self._stop(f"it is missing, or not in its place: {found} stands there", number)
            return
        if number > self._last:
            self._stop(f"it is beyond {self._last}, the last that the export names", number)
            return
        self._entry = said
        self.report.entries += 1
        self._hear(said, number)
        self._append(leaf_hash(line))

    def personal(self, said: dict[str, Any]) -> None:
        """Personal detail beside the entry before."""
        entry, self._entry = self._entry, None
        if entry is None or said.get("sequence") != entry["sequence"]:
            self._stop("personal detail that belongs to no entry", self._tree.size)
            return
        salted = bytes.fromhex(str(said["salt"])) + str(said["text"]).encode()
        if hashlib.sha256(salted).hexdigest() != entry.get("personal_hash"):
            self._stop("its personal detail was changed", int(entry["sequence"]))
        self.report.without_personal -= 1

    def stored(self, said: dict[str, Any]) -> None:
        """The store holds another leaf hash for the next entry than its row makes, or none."""
        number = _number(said, "sequence")
        self._stop("it is not what was written: its leaf hash is another's, or gone", number)

    def leaf(self, said: dict[str, Any]) -> None:
        """The hash alone: after the end of a part, up to the next checkpoint."""
        number = self._tree.size + 1
        if number <= self._last or not self._part:
            self._stop("its content is gone, only its hash is there", number)
        elif _number(said, "sequence") != number:
            self._stop("a hash is missing", self._good.size + 1, number, exact=False)
        else:
            self._append(bytes.fromhex(str(said["hash"])))

    def checkpoint(self, said: dict[str, Any]) -> None:
        """A checkpoint of the store, right after the entry that it ends with."""
        size = self._tree.size
        try:
            found = self._keys.checkpoint(str(said["note"]))
        except Bad as error:
            self._stop(f"the store's checkpoint after it: {error}", size, exact=False)
            return
        if found != Checkpoint(self.report.origin, size, self._tree.root()):
            why = f"the log is not what its own checkpoint of size {found.size} says"
            self._stop(why, self._good.size + 1, size, exact=False)
        self.report.checkpoints += 1

    def end(self) -> Report:
        """Nothing of this node follows."""
        report = self.report
        if self.over:
            return report
        if self._tree.size < self._last:
            self._stop("the export ends before it", self._tree.size + 1)
        elif not report.entries:
            self._stop("the export has no entry of it: nothing is proved", report.first)
        elif self._marks and self._part:
            self._cut_short()
        elif self._marks:
            number, most = self._tree.size + 1, self._marks[-1]
            self._stop(f"it is cut off: the anchors have entries up to {most}", number)
        elif not report.anchors:
            self._stop("no anchor stands for the log: nothing is proved", report.first)
        return report

    def _cut_short(self) -> None:
        """The hashes after a part end. Without those up to the next anchor nothing proves the
        part's own entries since the last good one, unless the anchors' own copies do."""
        if not self._marks or self._good.size >= self._last:
            return
        until = self._marks[0]
        for leaf in self._anchors.leaves(self.report.origin, self._tree, until) or ():
            self._append(leaf)
        if self._good.size < until:
            why = f"the hashes up to anchor {until} are missing"
            self._stop(why, self._good.size + 1, self._last, exact=False)

    def _append(self, leaf: bytes) -> None:
        self._tree.append(leaf)
        if self._marks:
            if len(self._kept) < MAX_KEPT:
                self._kept.append(leaf)
            if self._marks[0] == self._tree.size:
                self._anchored()

    def _anchored(self) -> None:
        size = self._marks[0]
        root, path = self._anchors.roots[self.report.origin][size]
        if self._tree.root() != root:
            why = f"the log is not what anchor {path} says"
            self._stop(why, self._good.size + 1, size, exact=False)
            return
        del self._marks[0]
        self._kept.clear()
        self._good = self._tree.copy()
        self.report.anchors += 1
        self.report.last_good_anchor, self.report.anchor_file = size, str(path)

    def _stop(self, why: str, first: int, last: int | None = None, *, exact: bool = True) -> None:
        """Note the first bad entry: this one, or an earlier one that anchored hashes tell."""
        if self.over:
            return
        self.over = True
        last = last or first
        told = self._first_difference()
        if told is not None and told <= (first if exact else last):
            changed = "it is not the entry that was anchored"
            why = why if told == first and exact else f"{changed} ({why})"
            first, last = told, told
        self.report.first_bad, self.report.last_bad = first, last
        self.report.faults.append(why)

    def _first_difference(self) -> int | None:
        """Sequence of the first entry after the last good anchor that differs from what the next
        anchor proves; None where no anchored hashes tell."""
        if not self._marks:
            return None
        meant = self._anchors.leaves(self.report.origin, self._good, self._marks[0])
        if meant is None:
            return None
        for number, (leaf, other) in enumerate(zip(self._kept, meant, strict=False), start=1):
            if leaf != other:
                return self._good.size + number
        whole = len(self._kept) < MAX_KEPT
        return self._good.size + len(self._kept) + 1 if whole else None

    def _hear(self, said: dict[str, Any], number: int) -> None:
        """Count absent detail, and note where nothing was written for long while the node ran."""
        if said.get("personal_hash") is not None:
            self.report.without_personal += 1  # taken back where the detail follows
        boot, at = said.get("boot"), said.get("monotonic_us")
        if not isinstance(at, int):
            return
        if self._was[0] == boot and at - self._was[1] > SILENCE_US:
            seconds = (at - self._was[1]) // 1_000_000
            if len(self.report.silences) < MAX_SILENCES:
                self.report.silences.append(f"{seconds} s before entry {number}")
        self._was = (boot, at)


# -- files ----------------------------------------------------------------------------------------


def verify_export(
    file: BinaryIO,
    keys: Keys,
    anchors: Callable[[], Anchors],
    *,
    part: bool = False,
    progress: Callable[[int], None] = lambda _octets: None,
) -> list[Report]:
    """Follow an export; `anchors` are read once its key statements are known. Raises `Bad` where
    it is no export at all."""
    lines = _lines(file, progress)
    _, head = next(lines, (b"", {}))
    if head.get("type") != EXPORT or head.get("format") != FORMAT:
        raise Bad(f"no export of `telebank audit export`, format {FORMAT}")
    keys.learn([str(text) for text in head["statements"]])
    found = anchors()
    reports: list[Report] = []
    log: LogCheck | None = None
    ended = False
    for line, said in lines:
        kind = said.get("type")
        if kind == "end":
            ended = True
        elif kind == "log":
            if log is not None:
                reports.append(log.end())
            log = LogCheck(said, keys, found, part=part)
        elif log is None or ended:
            raise Bad("a line of the export is outside every node's log")
        elif not log.over:
            _take(log, kind, line, said)
    if log is not None:
        reports.append(log.end())
    if not ended:
        raise Bad("the export is cut short: its last line is missing")
    return [*reports, *_missing(found, reports, part=part)]


def _take(log: LogCheck, kind: object, line: bytes, said: dict[str, Any]) -> None:
    match kind:
        case None:
            log.entry(line, said)
        case "personal":
            log.personal(said)
        case "stored":
            log.stored(said)
        case "leaf":
            log.leaf(said)
        case "checkpoint":
            log.checkpoint(said)
        case _:
            raise Bad(f"a line of type {kind!r}: is there a newer verifier?")


def _missing(anchors: Anchors, reports: Sequence[Report], *, part: bool) -> list[Report]:
    """Nodes that have anchors and no entry; faults of the anchors themselves. Raises `Bad` for an
    export without any log."""
    found = []
    seen = {report.origin for report in reports}
    for origin in anchors.roots:
        if origin not in seen and not part:
            node = origin.removeprefix(ORIGIN)
            why = f"node {node} has anchors, and the export nothing of it"
            found.append(Report(node, origin, first_bad=1, last_bad=1, faults=[why]))
    faults = [*anchors.faults, *["no good anchor was read"] * (not anchors.roots)]
    if faults:
        found.append(Report("", faults=faults))
    if not reports and not found:
        raise Bad("the export has no log: nothing is proved")
    return found


def verify_proof(said: dict[str, Any], keys: Keys, anchors: Callable[[], Anchors] | None) -> str:
    """Check the proof of one entry; returns what it proves. Raises `Bad`."""
    if said.get("format") != FORMAT:
        raise Bad(f"a proof of another format than {FORMAT}")
    keys.learn([str(text) for text in said["statements"]])
    point = keys.checkpoint(str(said["checkpoint"]))
    line = str(said["entry"]).encode()
    entry = _object(line)
    named = f"{entry.get('node')}-{entry.get('sequence')}"
    path = [bytes.fromhex(text) for text in said["path"]]
    index = _number(entry, "sequence") - 1
    if point.origin != f"{ORIGIN}{entry.get('node')}":
        raise Bad(f"entry {named} is not of {point.origin}")
    if not inclusion_holds(leaf_hash(line), index, point.size, path, point.root):
        raise Bad(f"entry {named} is not in the tree of {point.origin}, size {point.size}")
    anchored = "no anchors were given"
    if anchors is not None:
        root, file = anchors().roots.get(point.origin, {}).get(point.size, (b"", None))
        if root != point.root:
            raise Bad(f"no anchor of {point.origin} has size {point.size} and this root")
        anchored = f"anchored in {file}"
    return f"entry {named} stands in the log of {point.origin}, size {point.size}; {anchored}"


def _lines(
    file: BinaryIO, progress: Callable[[int], None]
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    octets = 0
    while line := file.readline(MAX_LINE + 1):
        octets += len(line)
        if not line.endswith(b"\n"):
            raise Bad("the export is cut short, or has a line of more than a million bytes")
        progress(octets)
        yield line[:-1], _object(line)


def _object(line: bytes) -> dict[str, Any]:
    try:
        said = _JSON.decode(line.decode())
    except (ValueError, RecursionError) as error:
        raise Bad("a line is no JSON, or names one thing twice") from error
    if not isinstance(said, dict):
        raise Bad("a line is no JSON object")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


_JSON = json.JSONDecoder(object_pairs_hook=_once)


def _number(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Bad(f"{name} is no number")
    return value


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise Bad(f"cannot read {path}: {error.strerror}") from error


def _text(path: Path) -> str:
    try:
        return _bytes(path, MAX_NOTE + 1).decode()
    except UnicodeDecodeError:
        raise Bad(f"{path} is not text") from None


# -- the command ----------------------------------------------------------------------------------


def say(reports: Sequence[Report]) -> list[str]:
    """The reports in words, a line each."""
    lines = []
    for one in reports:
        name = f"node {one.node}" if one.node else "anchors"
        if one.origin:
            span = f"{one.entries} entries, {one.first} to {one.last}"
            lines.append(f"{name}: {span}; {one.anchors} anchors, {one.checkpoints} checkpoints")
            if one.without_personal:
                lines.append(f"{name}: {one.without_personal} entries without personal detail")
            good = f"{one.last_good_anchor}, {one.anchor_file}"
            lines.append(f"{name}: last good anchor: {good if one.anchor_file else 'none'}")
        lines += [f"{name}: silence of {text}" for text in one.silences]
        if one.first_bad is not None:
            last = f" to {one.last_bad}" if one.last_bad != one.first_bad else ""
            lines.append(f"{name}: FIRST BAD ENTRY {one.node}-{one.first_bad}{last}")
        elif one.origin and not one.faults:
            open_ = one.last - (one.last_good_anchor or 0)
            lines.append(f"{name}: good; {max(0, open_)} entries are after the last anchor")
        lines += [f"{name}: FAULT {fault}" for fault in one.faults]
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify as the command line says; the exit code."""
    import argparse

    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("file", type=Path, help="of telebank audit export, or audit prove")
    parser.add_argument("--anchors", type=Path, help="directory of anchors")
    parser.add_argument("--keys", type=Path, action="append", required=True, help="public keys")
    parser.add_argument("--part", action="store_true", help="the export is of a part of the log")
    parser.add_argument("--json", action="store_true", help="print JSON")
    told = parser.parse_args(arguments)
    try:
        reports, words = _verified(told.file, told.anchors, told.keys, part=told.part)
    except (Bad, OSError, KeyError, TypeError, ValueError) as error:
        what = str(error) if isinstance(error, Bad | OSError) else f"{error!r} in a line"
        reports, words = [Report("", faults=[what])], [f"FAULT {what}"]
    good = not any(report.faults for report in reports)
    if told.json:
        _print(json.dumps({"good": good, "logs": [vars(one) for one in reports]}, indent=2))
    else:
        _print("\n".join([*words, "GOOD" if good else "NOT GOOD"]))
    return 0 if good else 1


def _verified(
    path: Path, directory: Path | None, key_files: Sequence[Path], *, part: bool
) -> tuple[list[Report], list[str]]:
    keys = Keys.of_files(key_files)
    with path.open("rb") as file:
        head = _object(file.readline(MAX_LINE))
        if head.get("type") == PROOF:
            anchors = None if directory is None else lambda: Anchors(directory, keys)
            proved = verify_proof(head, keys, anchors)
            return [], [proved]
        if directory is None:
            raise Bad("give --anchors: without them whoever has the key could have written it anew")
        file.seek(0)
        size = max(1, path.stat().st_size)
        bar = _bar(size) if sys.stderr.isatty() else lambda _octets: None
        found = verify_export(file, keys, lambda: Anchors(directory, keys), part=part, progress=bar)
        return found, say(found)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _bar(size: int) -> Callable[[int], None]:
    shown = -1

    def draw(octets: int) -> None:
        nonlocal shown
        if octets * 100 // size > shown:
            shown = octets * 100 // size
            end = "\n" if octets >= size else ""
            sys.stderr.write(f"\rverifying {shown:3d} %{end}")
            sys.stderr.flush()

    return draw


if __name__ == "__main__":
    sys.exit(main())
