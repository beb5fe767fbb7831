"""Keys of a demo host and its gateway in a SoftHSM token, by the way of a bank: two custodians,
then TR-31 blocks. The software gateway's are there too: the demo host looks at them at its start.
"""

from pathlib import Path

from core_adapters.hsm.kinds import Algorithm, KeySpec, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from support.hsm_kit import load

KBPK = bytes((number * 7 + 3) % 256 for number in range(32))


def make_host_keys(folder: Path) -> Module:
    """The host's keys and the software gateway's, below a data folder; the host's module."""
    theirs = open_software(folder / "corehost" / "keys", create=True)
    load(theirs, "tb87.kbpk", Usage.TRANSPORT, Algorithm.AES256, KBPK)
    theirs.generate(KeySpec("tb87.zpk", Usage.PIN_OPEN, Algorithm.TDES2, exportable=True))
    theirs.generate(KeySpec("tb87.mak", Usage.MAC, Algorithm.AES128, exportable=True))
    take_host_keys(theirs, open_software(folder / "keys", create=True))
    return theirs


def take_host_keys(theirs: Module, ours: Module) -> None:
    """Into the gateway's module, which may have those of an earlier test."""
    known = {info.spec.name for info in ours.list_keys()}
    again = "tb87.kbpk" in known
    load(ours, "tb87.kbpk", Usage.TRANSPORT, Algorithm.AES256, KBPK, rotate=again)
    for name, usage in (("tb87.zpk", Usage.PIN), ("tb87.mak", Usage.MAC)):
        block, kcv = theirs.export_key(name, "tb87.kbpk"), theirs.check_value(name)
        ours.import_key(name, usage, block, "tb87.kbpk", rotate=again, kcv=kcv)
