"""The software module: keys sealed at rest under a master key, worked with in our memory.

Two files of mode 0600, of which the second may live elsewhere (a mounted credential):

- `module.keys`: JSON; each key AES-256-GCM with name, usage, algorithm, version and the rest as
  associated data, and an HMAC over the whole list, so that no entry can be changed, renamed,
  dropped or brought back alone. An old copy of the whole file is not detected: compare check
  values with your records after a restore.
- `module.master`: 32 bytes in hexadecimal. Losing it loses the keys.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from core_adapters.hsm.errors import KeyRefusedError, UnknownKeyError
from core_adapters.hsm.kinds import MAX_KEYS, KeyInfo, KeySpec, states
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import (
    CHECK_BYTES,
    Ciphers,
    check_digits,
    fit_key,
    random_key,
    wipe,
)
from core_adapters.hsm.sealed_file import (
    KEYS_FILE,
    MASTER_FILE,
    OWNER_ONLY,
    Entry,
    Master,
    create_master,
    read_entries,
    read_master,
    write_entries,
)

DIRECTORY_MODE = 0o700


class SoftwareKey:
    """A key in memory; implements `Key`."""

    def __init__(self, info: KeyInfo, material: bytearray) -> None:
        self._info = info
        ciphers = Ciphers(info.spec.algorithm, material)
        self.encrypt = ciphers.encrypt
        self.decrypt = ciphers.decrypt
        self.cmac = ciphers.cmac
        self.retail_mac = ciphers.retail_mac
        self.hmac = ciphers.hmac
        self.forget = ciphers.forget

    @property
    def info(self) -> KeyInfo:
        """What it is."""
        return self._info

    def __repr__(self) -> str:
        return f"SoftwareKey({self._info.spec.name} {self._info.version})"


class SoftwareKeys:
    """Keys in a sealed file; implements `Keystore`."""

    def __init__(
        self, directory: Path, master: Master, now: Callable[[], float] = time.time
    ) -> None:
        self._now = now
        self._path = directory / KEYS_FILE
        self._master = master
        self._entries: tuple[Entry, ...] = ()
        self._infos: tuple[KeyInfo, ...] = ()
        self._open: dict[tuple[str, int], SoftwareKey] = {}
        self.reload()

    def __repr__(self) -> str:
        return f"SoftwareKeys({self._path}, {len(self._entries)} keys)"

    def infos(self) -> Sequence[KeyInfo]:
        """See `Keystore.infos`."""
        return self._infos

    def key(self, info: KeyInfo) -> SoftwareKey:
        """See `Keystore.key`; opened at first use, then kept."""
        found = self._open.get((info.spec.name, info.version))
        if found is None:
            material = self._master.open(self._entry(info))
            found = self._open[info.spec.name, info.version] = SoftwareKey(info, material)
            wipe(material)
        return found

    def make(self, spec: KeySpec, version: int) -> KeyInfo:
        """See `Keystore.make`."""
        material = random_key(spec.algorithm)
        try:
            return self.put(spec, version, material)
        finally:
            wipe(material)

    def put(self, spec: KeySpec, version: int, material: bytearray) -> KeyInfo:
        """See `Keystore.put`."""
        key = fit_key(spec.algorithm, material)
        kcv = check_digits(spec.algorithm, key, spec.check_method)[:CHECK_BYTES].hex().upper()
        entry = self._master.seal(
            Entry(spec, version, retired=False, kcv=kcv, made=int(self._now())), key
        )
        wipe(key)
        with self._changing() as entries:
            if any((e.spec.name, e.version) == (spec.name, version) for e in entries):
                raise KeyRefusedError(f"{spec.name} was changed by another process; try again")
            if len(entries) >= MAX_KEYS:
                raise KeyRefusedError(f"the module holds {MAX_KEYS} keys and takes no more")
            entries.append(entry)
        return next(i for i in self._infos if (i.spec.name, i.version) == (spec.name, version))

    def take(self, info: KeyInfo) -> bytearray:
        """See `Keystore.take`."""
        return self._master.open(self._entry(info))

    def retire(self, info: KeyInfo) -> None:
        """See `Keystore.retire`."""
        with self._changing() as entries:
            at = entries.index(self._entry(info))
            entries[at] = replace(entries[at], retired=True, sealed=b"")

    def reload(self) -> None:
        """See `Keystore.reload`. A file that was there and is gone takes no key out of memory."""
        if self._entries and not self._path.exists():
            raise KeyRefusedError(
                f"{self._path} is gone; the keys in memory stay in use: restore it before a restart"
            )
        self._take(read_entries(self._path, self._master) if self._path.exists() else [])

    def close(self) -> None:
        """See `Keystore.close`."""
        for key in self._open.values():
            key.forget()
        self._open.clear()
        self._entries, self._infos = (), ()

    def faults(self) -> Sequence[str]:
        """See `Keystore.faults`."""
        return [fault for entry in self._entries if (fault := self._fault(entry))]

    def _fault(self, entry: Entry) -> str:
        if entry.retired:
            return ""
        try:
            material = self._master.open(entry)
        except KeyRefusedError as error:
            return str(error)
        whole = check_digits(entry.spec.algorithm, material, entry.spec.check_method)
        wipe(material)
        right = whole[:CHECK_BYTES].hex().upper() == entry.kcv
        where = f"key {entry.spec.name} version {entry.version}"
        return "" if right else f"{where}: another check value than recorded"

    def _entry(self, info: KeyInfo) -> Entry:
        for entry in self._entries:
            if (entry.spec.name, entry.version) == (info.spec.name, info.version):
                return entry
        raise UnknownKeyError(f"no key {info.spec.name} of version {info.version}")

    def _take(self, entries: Sequence[Entry]) -> None:
        """What the file says is what is in force; keys that are no longer live are forgotten."""
        self._entries = tuple(entries)
        self._infos = tuple(_infos(entries))
        fresh = {(i.spec.name, i.version): i for i in self._infos}
        for at, key in list(self._open.items()):
            if fresh.get(at) != key.info:
                del self._open[at]

    @contextmanager
    def _changing(self) -> Iterator[list[Entry]]:
        """The entries as they are now, written back where the block ends well."""
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.reload()
            entries = list(self._entries)
            yield entries
            entries.sort(key=lambda entry: (entry.spec.name, entry.version))
            write_entries(self._path, entries, self._master)
            self._take(entries)
        finally:
            os.close(lock)


def open_software(
    directory: Path,
    master: Path | None = None,
    *,
    create: bool = False,
    now: Callable[[], float] = time.time,
) -> Module:
    """The module of this folder; with `create`, made where there is none.

    `now` (seconds since 1970) dates what is made. Raises `KeyRefusedError` where a file is
    missing, readable by others, or was changed.
    """
    return Module(open_keystore(directory, master, create=create, now=now))


def open_keystore(
    directory: Path,
    master: Path | None = None,
    *,
    create: bool = False,
    now: Callable[[], float] = time.time,
) -> SoftwareKeys:
    """The keystore behind `open_software`."""
    path = master or directory / MASTER_FILE
    if create and not path.exists() and not (directory / KEYS_FILE).exists():
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        create_master(path)
    if not path.exists() and not (directory / KEYS_FILE).exists():
        raise KeyRefusedError(
            f"{directory}: no security module yet; `telebank keys` makes one and loads the host's "
            "keys, `telebank corehost run --keys` those of the demo"
        )
    key = read_master(path)
    try:
        return SoftwareKeys(directory, Master(key), now)
    finally:
        wipe(key)


def _infos(entries: Sequence[Entry]) -> Iterator[KeyInfo]:
    for name in sorted({entry.spec.name for entry in entries}):
        own = sorted((e for e in entries if e.spec.name == name), key=lambda e: -e.version)
        state = states({entry.version: entry.retired for entry in own})
        for entry in own:
            yield KeyInfo(entry.spec, entry.version, state[entry.version], entry.kcv, entry.made)
