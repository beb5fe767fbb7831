"""A host's keys in the security module: which are needed, and which verify."""

from dataclasses import replace
from pathlib import Path

import pytest

from core_adapters.hsm.errors import KeyUsageError, UnknownKeyError
from core_adapters.hsm.kinds import Algorithm, KeySpec, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.keys.names import KeyNames, check_keys
from support.iso8583_kit import contracts, quick_options, tb87

NAMES = KeyNames.of("tb87")


@pytest.fixture
def module(tmp_path: Path) -> Module:
    return open_software(tmp_path / "keys", create=True)


def with_keys(module: Module, zpk: Algorithm, mak: Algorithm) -> Module:
    module.generate(KeySpec(NAMES.pin, Usage.PIN, zpk))
    module.generate(KeySpec(NAMES.mac, Usage.MAC, mak))
    return module


def test_a_host_without_its_keys_is_not_made(module: Module) -> None:
    with pytest.raises(UnknownKeyError, match=r"telebank keys import tb87\.zpk"):
        Iso8583Host(tb87(), contracts(), module, quick_options(1))
    module.generate(KeySpec(NAMES.pin, Usage.PIN, Algorithm.TDES2))
    with pytest.raises(UnknownKeyError, match=r"tb87\.mak"):
        Iso8583Host(tb87(), contracts(), module, quick_options(1))


@pytest.mark.parametrize(
    ("pin_format", "mac", "zpk", "mak", "wrong"),
    [
        (0, "aes-cmac", Algorithm.TDES2, Algorithm.AES128, ""),
        (3, "aes-cmac", Algorithm.TDES3, Algorithm.AES256, ""),
        (4, "x9.19", Algorithm.AES256, Algorithm.TDES2, ""),
        (4, "aes-cmac", Algorithm.TDES2, Algorithm.AES128, "tb87.zpk"),
        (0, "aes-cmac", Algorithm.AES128, Algorithm.AES128, "tb87.zpk"),
        (0, "x9.19", Algorithm.TDES2, Algorithm.AES128, "tb87.mak"),
        (0, "aes-cmac", Algorithm.TDES2, Algorithm.TDES2, "tb87.mak"),
    ],
)
def test_keys_fit_the_profile(  # noqa: PLR0917 - a row of the table
    module: Module, pin_format: int, mac: str, zpk: Algorithm, mak: Algorithm, wrong: str
) -> None:
    profile = replace(tb87(), pin_format=pin_format, mac=mac)  # type: ignore[arg-type]
    with_keys(module, zpk, mak)
    if not wrong:
        check_keys(module, NAMES, profile)
        return
    with pytest.raises(KeyUsageError, match=f"^{wrong} is a .* profile tb87 needs"):
        check_keys(module, NAMES, profile)


def test_the_host_needs_a_key_that_opens(module: Module) -> None:
    with_keys(module, Algorithm.TDES2, Algorithm.AES128)
    with pytest.raises(KeyUsageError, match="pin-open"):
        check_keys(module, NAMES, tb87(), Usage.PIN_OPEN)


def test_a_mac_verifies_under_the_previous_key_until_it_is_retired(module: Module) -> None:
    with_keys(module, Algorithm.TDES2, Algorithm.AES128)
    mac = ModuleMac(module, NAMES.mac)
    before = mac.compute(b"in flight")
    module.generate(KeySpec(NAMES.mac, Usage.MAC, Algorithm.AES128), rotate=True)
    after = mac.compute(b"in flight")
    assert after != before
    assert mac.verify(b"in flight", before)
    assert mac.verify(b"in flight", after)
    module.retire(NAMES.mac, 1)
    assert not mac.verify(b"in flight", before)
    assert mac.verify(b"in flight", after)
    assert not mac.verify(b"in flight", b"")
