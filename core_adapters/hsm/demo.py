"""The demo's key ceremony: what two banks do with custodians and couriers, done in one moment.

Not for real keys: whoever runs it sees both sides. A random transport key (KBPK) is entered on
both sides in two components; the host makes zone PIN key and MAC key, which travel as TR-31
blocks.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core_adapters.hsm.entry import ComponentEntry
from core_adapters.hsm.kinds import Algorithm, KeyInfo, KeySpec, KeyState, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import CHECK_BYTES, check_digits, random_key, xor
from core_adapters.hsm.sealed_file import OWNER_ONLY
from core_adapters.hsm.software import DIRECTORY_MODE, open_software

PIN, MAC, TRANSPORT = "zpk", "mak", "kbpk"
LOCK: Final = "demo.lock"
_CUSTODIANS: Final = ("demo one", "demo two")


def share_demo_keys(
    gateway: Path,
    host: Path,
    name: str,
    *,
    pin: Algorithm = Algorithm.TDES2,
    mac: Algorithm = Algorithm.AES128,
) -> None:
    """See that the software modules in both folders hold the same `<name>.kbpk`, `.zpk` and `.mak`.

    Nothing is done where they do; where they do not, all three become new (a further version
    where there is one). Two processes may do so at once.
    """
    with _locked(gateway):
        ours, theirs = open_software(gateway, create=True), open_software(host, create=True)
        try:
            if not _same(ours, theirs, name):
                _share(ours, theirs, name, pin, mac)
        finally:
            ours.close()
            theirs.close()


def _share(ours: Module, theirs: Module, name: str, pin: Algorithm, mac: Algorithm) -> None:
    under = f"{name}.{TRANSPORT}"
    parts = [random_key(Algorithm.AES256) for _ in _CUSTODIANS]
    while len(set(xor(*parts))) == 1:
        parts[0] = bytearray(secrets.token_bytes(len(parts[0])))
    for module in (ours, theirs):
        _enter(module, KeySpec(under, Usage.TRANSPORT, Algorithm.AES256), parts)
    for key, made_as, taken_as, algorithm in (
        (f"{name}.{PIN}", Usage.PIN_OPEN, Usage.PIN, pin),
        (f"{name}.{MAC}", Usage.MAC, Usage.MAC, mac),
    ):
        spec = KeySpec(key, made_as, algorithm, exportable=True)
        made = theirs.generate(spec, rotate=_has(theirs, key))
        block = theirs.export_key(key, under)
        ours.import_key(key, taken_as, block, under, rotate=_has(ours, key), kcv=made.kcv)


def _enter(module: Module, spec: KeySpec, parts: list[bytearray]) -> None:
    entry = ComponentEntry(spec)
    for who, part in zip(_CUSTODIANS, parts, strict=True):
        kcv = check_digits(spec.algorithm, part, entry.method)[:CHECK_BYTES].hex()
        entry.offer(who, part.hex(), kcv)
    module.enter(entry, rotate=_has(module, spec.name))


def _same(ours: Module, theirs: Module, name: str) -> bool:
    keys = [f"{name}.{part}" for part in (PIN, MAC, TRANSPORT)]
    held = [[_current(module, key) for key in keys] for module in (ours, theirs)]
    return all(
        left is not None and right is not None and left.kcv == right.kcv
        for left, right in zip(*held, strict=True)
    )


def _current(module: Module, key: str) -> KeyInfo | None:
    live = (i for i in module.list_keys() if i.spec.name == key and i.state is KeyState.CURRENT)
    return next(live, None)


def _has(module: Module, key: str) -> bool:
    return any(info.spec.name == key for info in module.list_keys())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One ceremony at a time for a gateway's folder."""
    folder.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
