"""Software and token do the same with the same keys."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.hsm.kinds import Algorithm, KeySpec, PinFormat, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from support.hsm_kit import CARD, load
from transactions.secret import Secret

Pair = tuple[Module, Module]
PINS = st.text("0123456789", min_size=4, max_size=12)
MACS = {
    "diff.mac128": Algorithm.AES128,
    "diff.mac192": Algorithm.AES192,
    "diff.mac256": Algorithm.AES256,
    "diff.x919": Algorithm.TDES2,
}
ZONES = {
    "diff.zone2": Algorithm.TDES2,
    "diff.zone3": Algorithm.TDES3,
    "diff.zone128": Algorithm.AES128,
    "diff.zone256": Algorithm.AES256,
}
KEYS = {name: secrets.token_bytes(kind.key_bytes) for name, kind in (MACS | ZONES).items()}
VERIFIER = secrets.token_bytes(32)


def _des(key: bytes, data: bytes, *, back: bool = False) -> bytes:
    cipher = Cipher(TripleDES((key * 3)[:24]), modes.ECB())
    worker = cipher.decryptor() if back else cipher.encryptor()
    return worker.update(data) + worker.finalize()


def retail_by_hand(key: bytes, data: bytes) -> bytes:
    """ANSI X9.19 block by block: CBC under K1, then D under K2, E under K1."""
    first, second, state = key[:8], key[8:], bytes(8)
    for at in range(0, max(len(data), 1), 8):
        block = data[at : at + 8].ljust(8, b"\0")
        state = _des(first, bytes(a ^ b for a, b in zip(state, block, strict=True)))
    return _des(first, _des(second, state, back=True))


def block_0_by_hand(key: bytes, pin: str) -> bytes:
    """ISO 9564-1 format 0: length, PIN, filler against twelve digits of the card."""
    pin_field = bytes.fromhex(f"0{len(pin):X}{pin}".ljust(16, "F"))
    card_field = bytes.fromhex("0000" + CARD.digits[-13:-1])
    return _des(key, bytes(a ^ b for a, b in zip(pin_field, card_field, strict=True)))


@pytest.fixture(scope="module")
def pair(token: Module, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    both = open_software(tmp_path_factory.mktemp("keys"), create=True), token
    for module in both:
        for name, kind in MACS.items():
            load(module, name, Usage.MAC, kind, KEYS[name])
        for name, kind in ZONES.items():
            load(module, name, Usage.PIN, kind, KEYS[name])
            load(module, f"{name}.open", Usage.PIN_OPEN, kind, KEYS[name])
        load(module, "diff.pins", Usage.VERIFIER, Algorithm.HMAC256, VERIFIER)
    yield both
    both[0].close()


def test_check_values_agree(pair: Pair) -> None:
    mine, theirs = (
        {i.spec.name: i.kcv for i in module.list_keys() if i.spec.name.startswith("diff.")}
        for module in pair
    )
    assert mine == theirs
    assert len(mine) == len(MACS) + 2 * len(ZONES) + 1


@given(name=st.sampled_from(sorted(MACS)), data=st.binary(max_size=300))
def test_macs_agree(pair: Pair, name: str, data: bytes) -> None:
    mine, theirs = (module.mac(name, data) for module in pair)
    assert mine == theirs
    assert all(module.verify_mac(name, data, mine) for module in pair)
    if MACS[name].is_aes:
        assert pair[0].mac(name, data, 16) == pair[1].mac(name, data, 16)
        whole = CMAC(AES(KEYS[name]))
        whole.update(data)
        assert mine == whole.finalize()[:8]
    else:
        assert mine == retail_by_hand(KEYS[name], data)


@given(name=st.sampled_from(sorted(ZONES)), pin=PINS, form=st.sampled_from([*PinFormat]))
def test_each_opens_the_others_pin_block(pair: Pair, name: str, pin: str, form: PinFormat) -> None:
    if ZONES[name].is_aes != (form is PinFormat.ISO_4):
        return
    for maker, opener in (pair, pair[::-1]):
        block = maker.pin_block(name, Secret(pin), CARD, form)
        assert opener.open_pin(f"{name}.open", block, CARD, form).reveal() == pin
        if form is PinFormat.ISO_0:
            assert block == block_0_by_hand(KEYS[name], pin)


@given(pin=PINS, salt=st.binary(min_size=16, max_size=64))
def test_verifiers_agree(pair: Pair, pin: str, salt: bytes) -> None:
    mine, theirs = (module.pin_verifier("diff.pins", Secret(pin), salt) for module in pair)
    assert mine == theirs
    assert all(module.verify_pin("diff.pins", Secret(pin), salt, mine) for module in pair)


@pytest.mark.parametrize("under", [Algorithm.TDES3, Algorithm.AES256])
def test_keys_travel_both_ways(
    token: Module, software: Module, name: str, under: Algorithm, tmp_path: Path
) -> None:
    kbpk = secrets.token_bytes(under.key_bytes)
    for module in (token, software):
        load(module, f"{name}.kbpk", Usage.TRANSPORT, under, kbpk)
    specs = [(Usage.PIN, Algorithm.TDES2), (Usage.MAC, Algorithm.TDES2)]
    if under.is_aes:
        specs += [(Usage.MAC, Algorithm.AES256), (Usage.VERIFIER, Algorithm.HMAC256)]
    for number, (usage, kind) in enumerate(specs):
        for way, (maker, taker) in enumerate(((token, software), (software, token))):
            key = f"{name}.{number}{way}"
            made = maker.generate(KeySpec(key, usage, kind, exportable=True))
            block = maker.export_key(key, f"{name}.kbpk")
            taken = taker.import_key(key, usage, block, f"{name}.kbpk", kcv=made.kcv)
            assert taken.kcv == made.kcv
            if usage is Usage.MAC:
                assert taker.mac(key, b"text") == maker.mac(key, b"text")
