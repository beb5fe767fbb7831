"""Usages, states and limits: the same on both modules."""

import secrets
from collections.abc import Callable

import pytest

from core_adapters.hsm.errors import (
    KeyExistsError,
    KeyRefusedError,
    KeyUsageError,
    PinBlockError,
    UnknownKeyError,
)
from core_adapters.hsm.kinds import ALLOWED, Algorithm, KeySpec, KeyState, PinFormat, Usage
from core_adapters.hsm.module import Module
from support.hsm_kit import CARD, OTHER_CARD, PIN, load
from transactions.card import CardNumber
from transactions.secret import Secret

SALT = bytes(range(16))
WORK: dict[Usage, Callable[[Module, str], object]] = {
    Usage.PIN: lambda m, k: m.pin_block(k, Secret(PIN), CARD, PinFormat.ISO_0),
    Usage.PIN_OPEN: lambda m, k: m.open_pin(k, bytes(8), CARD, PinFormat.ISO_0),
    Usage.MAC: lambda m, k: m.mac(k, b"text"),
    Usage.VERIFIER: lambda m, k: m.pin_verifier(k, Secret(PIN), SALT),
    Usage.TRANSPORT: lambda m, k: m.export_key("any", k),
}
KIND = {
    Usage.PIN: Algorithm.TDES2,
    Usage.PIN_OPEN: Algorithm.TDES2,
    Usage.MAC: Algorithm.TDES2,
    Usage.VERIFIER: Algorithm.HMAC256,
    Usage.TRANSPORT: Algorithm.TDES2,
}


@pytest.mark.parametrize("usage", list(Usage))
def test_a_key_of_one_usage_refuses_anothers_work(module: Module, name: str, usage: Usage) -> None:
    module.generate(KeySpec(name, usage, KIND[usage]))
    for other, work in WORK.items():
        if other is not usage:
            with pytest.raises(KeyUsageError, match=f"is a {usage} key, not a {other} key"):
                work(module, name)
    with pytest.raises(KeyUsageError):
        (module.verify_mac if usage is not Usage.MAC else _verify_pin(module))(name, b"", b"")


def _verify_pin(module: Module) -> Callable[[str, bytes, bytes], object]:
    return lambda key, _data, _mac: module.verify_pin(key, Secret(PIN), SALT, b"")


@pytest.mark.parametrize("usage", list(Usage))
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_usage_and_algorithm_go_together(
    module: Module, name: str, usage: Usage, algorithm: Algorithm
) -> None:
    if algorithm not in ALLOWED[usage]:
        with pytest.raises(KeyUsageError, match=f"a {usage} key is"):
            KeySpec(name, usage, algorithm)
        return
    info = module.generate(KeySpec(name, usage, algorithm))
    assert info.state is KeyState.CURRENT
    assert info.spec.algorithm is algorithm
    assert not module.faults()


@pytest.mark.parametrize("bad", ["", "Zpk", "a/b", "../zpk", "a" * 33, "a:b", "ä"])
def test_names_are_plain(bad: str) -> None:
    with pytest.raises(KeyUsageError, match="name"):
        KeySpec(bad, Usage.MAC, Algorithm.AES128)


def test_a_name_is_taken_once_and_rotation_needs_one(module: Module, name: str) -> None:
    spec = KeySpec(name, Usage.MAC, Algorithm.AES128)
    with pytest.raises(UnknownKeyError, match="to rotate"):
        module.generate(spec, rotate=True)
    module.generate(spec)
    with pytest.raises(KeyExistsError, match="rotate it instead"):
        module.generate(spec)
    with pytest.raises(KeyUsageError, match="stays one"):
        module.generate(KeySpec(name, Usage.PIN, Algorithm.AES128), rotate=True)


def test_previous_verifies_and_never_makes(module: Module, name: str) -> None:
    spec = KeySpec(name, Usage.MAC, Algorithm.AES128)
    module.generate(spec)
    old = module.mac(name, b"text")
    module.generate(spec, rotate=True)
    new = module.mac(name, b"text")
    assert new != old
    assert module.verify_mac(name, b"text", old)
    assert module.verify_mac(name, b"text", new)
    assert not module.verify_mac(name, b"texu", old)
    module.retire(name, 1)
    assert not module.verify_mac(name, b"text", old)
    assert module.verify_mac(name, b"text", new)
    states = {i.version: i.state for i in module.list_keys() if i.spec.name == name}
    assert states == {2: KeyState.CURRENT, 1: KeyState.RETIRED}


def test_a_rotation_may_change_the_algorithm(module: Module, name: str) -> None:
    module.generate(KeySpec(name, Usage.MAC, Algorithm.TDES2))
    old = module.mac(name, b"text")
    module.generate(KeySpec(name, Usage.MAC, Algorithm.AES256), rotate=True)
    assert module.verify_mac(name, b"text", old)
    assert len(module.mac(name, b"text", 16)) == 16


def test_only_a_previous_version_retires(module: Module, name: str) -> None:
    spec = KeySpec(name, Usage.MAC, Algorithm.TDES2)
    module.generate(spec)
    with pytest.raises(KeyRefusedError, match="is current"):
        module.retire(name, 1)
    module.generate(spec, rotate=True)
    assert module.retire(name, 1).state is KeyState.RETIRED
    with pytest.raises(KeyRefusedError, match="is retired"):
        module.retire(name, 1)
    with pytest.raises(UnknownKeyError):
        module.retire(name, 3)
    assert module.generate(spec, rotate=True).version == 3


def test_what_is_not_there_is_named(module: Module) -> None:
    for work in WORK.values():
        with pytest.raises(UnknownKeyError, match="no-such-key"):
            work(module, "no-such-key")


def test_formats_and_keys_go_together(module: Module, name: str) -> None:
    module.generate(KeySpec(f"{name}.des", Usage.PIN, Algorithm.TDES2))
    module.generate(KeySpec(f"{name}.aes", Usage.PIN, Algorithm.AES128))
    with pytest.raises(KeyUsageError, match="format 4 takes a key of AES"):
        module.pin_block(f"{name}.des", Secret(PIN), CARD, PinFormat.ISO_4)
    for form in (PinFormat.ISO_0, PinFormat.ISO_3):
        with pytest.raises(KeyUsageError, match="takes a key of Triple DES"):
            module.pin_block(f"{name}.aes", Secret(PIN), CARD, form)


@pytest.mark.parametrize("pin", ["", "123", "1" * 13, "12a4", "12 4"])
def test_bad_pins_are_refused(module: Module, name: str, pin: str) -> None:
    module.generate(KeySpec(name, Usage.PIN, Algorithm.TDES2))
    module.generate(KeySpec(f"{name}.v", Usage.VERIFIER, Algorithm.HMAC256))
    with pytest.raises(PinBlockError):
        module.pin_block(name, Secret(pin), CARD, PinFormat.ISO_0)
    with pytest.raises(PinBlockError):
        module.pin_verifier(f"{name}.v", Secret(pin), SALT)


def test_a_card_too_short_for_format_0(module: Module, name: str) -> None:
    module.generate(KeySpec(name, Usage.PIN, Algorithm.TDES2))
    with pytest.raises(PinBlockError, match="13 digits"):
        module.pin_block(name, Secret(PIN), CardNumber("622700123450"), PinFormat.ISO_0)


def test_a_change_of_pin_has_two_blocks(module: Module, name: str) -> None:
    key = secrets.token_bytes(16)
    load(module, name, Usage.PIN, Algorithm.TDES2, key)
    load(module, f"{name}.open", Usage.PIN_OPEN, Algorithm.TDES2, key)
    change = module.pin_change(name, Secret("1234"), Secret("567890"), CARD, PinFormat.ISO_3)
    opened = [
        module.open_pin(f"{name}.open", block, CARD, PinFormat.ISO_3).reveal()
        for block in (change.old, change.new)
    ]
    assert opened == ["1234", "567890"]
    assert change.old.hex() not in repr(change)


@pytest.mark.parametrize("form", list(PinFormat))
def test_another_card_or_key_opens_nothing(module: Module, name: str, form: PinFormat) -> None:
    kind = Algorithm.AES128 if form is PinFormat.ISO_4 else Algorithm.TDES2
    key = secrets.token_bytes(16)
    load(module, name, Usage.PIN, kind, key)
    load(module, f"{name}.open", Usage.PIN_OPEN, kind, key)
    module.generate(KeySpec(f"{name}.other", Usage.PIN_OPEN, kind))
    block = module.pin_block(name, Secret(PIN), CARD, form)
    assert module.open_pin(f"{name}.open", block, CARD, form).reveal() == PIN
    # With another card the format still fits now and then, but the PIN is another.
    assert _opened(module, f"{name}.open", block, OTHER_CARD, form) != PIN
    assert _opened(module, f"{name}.other", block, CARD, form) != PIN
    with pytest.raises(PinBlockError):
        module.open_pin(f"{name}.open", block[:-1], CARD, form)


def _opened(module: Module, key: str, block: bytes, card: CardNumber, form: PinFormat) -> str:
    try:
        return module.open_pin(key, block, card, form).reveal()
    except PinBlockError:
        return ""


def test_a_rotated_zone_key_still_opens(module: Module, name: str) -> None:
    old, new = secrets.token_bytes(16), secrets.token_bytes(16)
    load(module, name, Usage.PIN, Algorithm.TDES2, old)
    load(module, f"{name}.open", Usage.PIN_OPEN, Algorithm.TDES2, old)
    before = module.pin_block(name, Secret(PIN), CARD, PinFormat.ISO_0)
    load(module, f"{name}.open", Usage.PIN_OPEN, Algorithm.TDES2, new, rotate=True)
    assert module.open_pin(f"{name}.open", before, CARD, PinFormat.ISO_0).reveal() == PIN


def test_the_verifier_knows_the_pin_and_nothing_else(module: Module, name: str) -> None:
    spec = KeySpec(name, Usage.VERIFIER, Algorithm.HMAC256)
    module.generate(spec)
    verifier = module.pin_verifier(name, Secret(PIN), SALT)
    assert len(verifier) == 32
    assert module.verify_pin(name, Secret(PIN), SALT, verifier)
    assert not module.verify_pin(name, Secret(PIN[:-1]), SALT, verifier)
    assert not module.verify_pin(name, Secret(PIN), SALT[::-1], verifier)
    module.generate(spec, rotate=True)
    assert module.verify_pin(name, Secret(PIN), SALT, verifier)
    assert module.pin_verifier(name, Secret(PIN), SALT) != verifier
    for salt in (b"", bytes(15), bytes(65)):
        with pytest.raises(KeyUsageError, match="salt"):
            module.pin_verifier(name, Secret(PIN), salt)


def test_macs_have_the_lengths_they_have(module: Module, name: str) -> None:
    module.generate(KeySpec(f"{name}.aes", Usage.MAC, Algorithm.AES256))
    module.generate(KeySpec(f"{name}.des", Usage.MAC, Algorithm.TDES2))
    whole = module.mac(f"{name}.aes", b"text", 16)
    for length in (0, 4, 7, 9, 15, 17):
        with pytest.raises(KeyUsageError):
            module.mac(f"{name}.aes", b"text", length)
        assert not module.verify_mac(f"{name}.aes", b"text", whole[:length].ljust(length, b"\0"))
    with pytest.raises(KeyUsageError):
        module.mac(f"{name}.des", b"text", 16)
    with pytest.raises(KeyUsageError, match="at most"):
        module.mac(f"{name}.aes", bytes(65_537))
