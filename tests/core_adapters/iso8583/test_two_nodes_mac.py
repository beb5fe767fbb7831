"""Two nodes on one key folder: the host's new key is taken by one, and verifies at both."""

from pathlib import Path

import pytest

from core_adapters.hsm.errors import KeyRefusedError
from core_adapters.hsm.kinds import Algorithm, KeySpec, Usage
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.format.mac import REREAD_S, ModuleMac

MAK = KeySpec("tb87.mak", Usage.MAC, Algorithm.AES128, True)


class ByHand:
    """Monotonic seconds that go forward by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_that_the_other_node_took_verifies_here(tmp_path: Path) -> None:
    first = open_software(tmp_path, create=True)
    first.generate(MAK)
    clock, second = ByHand(), open_software(tmp_path)
    mac = ModuleMac(second, "tb87.mak", now=clock)
    for _ in range(3):
        first.generate(MAK, rotate=True)
        assert mac.verify(b"reply", first.mac("tb87.mak", b"reply"))
        clock.now += REREAD_S


def test_wrong_macs_read_the_keys_no_oftener_than_said(tmp_path: Path) -> None:
    module = open_software(tmp_path, create=True)
    module.generate(MAK)
    clock, reads = ByHand(), [0.0]
    mac = ModuleMac(module, "tb87.mak", lambda: reads.append(clock.now), clock)
    for _ in range(1_000):
        assert not mac.verify(b"reply", bytes(8))
        clock.now += 0.01
    assert len(reads) - 1 == 2
    assert mac.verify(b"reply", module.mac("tb87.mak", b"reply"))


def test_a_module_in_trouble_verifies_nothing(tmp_path: Path) -> None:
    module = open_software(tmp_path, create=True)
    module.generate(MAK)
    (tmp_path / "module.keys").write_text("{}")
    assert not ModuleMac(module, "tb87.mak").verify(b"reply", bytes(8))


def test_a_key_file_that_is_gone_takes_no_key_out_of_a_running_node(tmp_path: Path) -> None:
    module = open_software(tmp_path, create=True)
    module.generate(MAK)
    mac = ModuleMac(module, "tb87.mak")
    right = mac.compute(b"reply")
    (tmp_path / "module.keys").unlink()
    assert not mac.verify(b"reply", bytes(8))
    assert mac.verify(b"reply", right)
    with pytest.raises(KeyRefusedError, match="restore it"):
        module.generate(MAK, rotate=True)  # it would write a file of this key alone
