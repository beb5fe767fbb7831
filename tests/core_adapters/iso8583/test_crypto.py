"""MAC, PIN block and key files, against published vectors."""

import contextlib
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.iso8583.errors import KeyFileError, PinError
from core_adapters.iso8583.keys import HostKeys
from core_adapters.iso8583.mac import AesCmac, RetailMac, make_mac
from core_adapters.iso8583.pin import open_pin, pin_block_0, seal_pin
from core_adapters.iso8583.tdes import decrypt_ecb, encrypt_ecb, pad_key

SP_800_38B_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
SP_800_38B_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
DOUBLE_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


@pytest.mark.parametrize(
    ("size", "tag"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_aes_cmac_of_sp_800_38b(size: int, tag: str) -> None:
    """NIST SP 800-38B, appendix D.1 (also RFC 4493, section 4)."""
    mac = AesCmac(SP_800_38B_KEY)
    assert mac.full(SP_800_38B_TEXT[:size]).hex() == tag
    assert mac.compute(SP_800_38B_TEXT[:size]).hex() == tag[:16]
    assert mac.verify(SP_800_38B_TEXT[:size], bytes.fromhex(tag[:16]))
    assert not mac.verify(SP_800_38B_TEXT[:size], bytes(8))
    assert not mac.verify(SP_800_38B_TEXT[:size], b"")


def test_retail_mac_of_iso_9797_1() -> None:
    """ISO/IEC 9797-1 algorithm 3, padding 1: the standard's own example string."""
    mac = RetailMac(DOUBLE_KEY)
    assert mac.compute(b"Now is the time for all ").hex().upper() == "A1C72E74EA3FA9B6"


def test_retail_mac_is_single_des_where_both_halves_are_equal() -> None:
    """Worked out block by block, as X9.19 says: CBC under K1, then D under K2, E under K1."""
    first, second = DOUBLE_KEY[:8], DOUBLE_KEY[8:]
    data = b"12345678abcdefgh!"
    state = bytes(8)
    for at in range(0, 24, 8):
        block = data[at : at + 8].ljust(8, b"\0")
        state = encrypt_ecb(first, bytes(a ^ b for a, b in zip(state, block, strict=True)))
    state = encrypt_ecb(first, decrypt_ecb(second, state))
    assert RetailMac(DOUBLE_KEY).compute(data) == state
    assert make_mac("x9.19", DOUBLE_KEY).verify(data, state)


def test_des_known_answer() -> None:
    """FIPS 46: the classic single-DES example."""
    key = bytes.fromhex("133457799BBCDFF1")
    assert encrypt_ecb(key, bytes.fromhex("0123456789ABCDEF")).hex().upper() == "85E813540F0AB405"
    assert pad_key(DOUBLE_KEY) == DOUBLE_KEY + DOUBLE_KEY[:8]
    with pytest.raises(KeyFileError):
        pad_key(b"short")


@pytest.mark.parametrize(
    ("pin", "pan", "block"),
    [
        ("1234", "5544332211009966", "041277CDDEEFF669"),
        ("1234", "43219876543210987", "0412AC89ABCDEF67"),
    ],
)
def test_format_0(pin: str, pan: str, block: str) -> None:
    """ISO 9564-1 format 0: length and PIN against the twelve digits before the check digit."""
    assert pin_block_0(pin, pan).hex().upper() == block


@given(
    st.from_regex(r"[0-9]{4,12}", fullmatch=True), st.from_regex(r"[0-9]{13,19}", fullmatch=True)
)
def test_a_pin_opens_with_its_key_and_card_only(pin: str, pan: str) -> None:
    block = seal_pin(DOUBLE_KEY, pin, pan)
    assert len(block) == 16
    assert open_pin(DOUBLE_KEY, block, pan) == pin
    other = str(10 ** len(pan) - 1 - int(pan)).zfill(len(pan))
    with contextlib.suppress(PinError):
        assert open_pin(DOUBLE_KEY, block, other) != pin


@pytest.mark.parametrize(
    ("pin", "pan"),
    [
        *(("123", "6227000000000001"), ("1" * 13, "6227000000000001")),
        *(("12a4", "6227000000000001"), ("1234", "622700000000"), ("١٢٣٤", "6227000000000001")),
    ],
)
def test_what_is_no_pin_is_refused_without_its_digits(pin: str, pan: str) -> None:
    with pytest.raises(PinError) as caught:
        pin_block_0(pin, pan)
    assert pin not in str(caught.value)


@pytest.mark.parametrize("block", ["", "zz", "00" * 7, "00" * 8])
def test_what_is_no_block_is_refused(block: str) -> None:
    with pytest.raises(PinError):
        open_pin(DOUBLE_KEY, block, "6227000000000001")


def test_demo_keys_are_made_once_and_shared(tmp_path: Path) -> None:
    made: list[HostKeys] = []
    work = [
        threading.Thread(
            target=lambda: made.append(HostKeys.create_demo(tmp_path / "keys", "tb87"))
        )
        for _ in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(made) == 8
    assert all(keys == HostKeys.load(tmp_path / "keys", "tb87") for keys in made)
    files = sorted(path.name for path in (tmp_path / "keys").iterdir())
    assert files == ["tb87.mak", "tb87.zpk"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "keys").iterdir())
    assert made[0].zpk.hex() not in repr(made[0])
    assert all(byte.bit_count() % 2 for byte in made[0].zpk)


def test_key_files_that_cannot_stand(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"tb87\.zpk: missing"):
        HostKeys.load(tmp_path, "tb87")
    HostKeys.create_demo(tmp_path, "tb87")
    (tmp_path / "tb87.mak").chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        HostKeys.load(tmp_path, "tb87")
    (tmp_path / "tb87.mak").chmod(0o600)
    (tmp_path / "tb87.mak").write_text("0123")
    with pytest.raises(KeyFileError, match="32 hexadecimal digits") as caught:
        HostKeys.load(tmp_path, "tb87")
    assert "0123" not in str(caught.value).split(":", 1)[1]
