"""Published answers, on both modules."""

import pytest

from core_adapters.hsm.kinds import Algorithm, CheckMethod, PinFormat, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import Ciphers
from support.hsm_kit import load
from transactions.card import CardNumber
from transactions.secret import Secret

TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
NIST_KEYS = {
    Algorithm.AES128: "2b7e151628aed2a6abf7158809cf4f3c",
    Algorithm.AES192: "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    Algorithm.AES256: "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
}
NIST = [
    (Algorithm.AES128, 0, "bb1d6929e95937287fa37d129b756746"),
    (Algorithm.AES128, 16, "070a16b46b4d4144f79bdd9dd04a287c"),
    (Algorithm.AES128, 40, "dfa66747de9ae63030ca32611497c827"),
    (Algorithm.AES128, 64, "51f0bebf7e3b9d92fc49741779363cfe"),
    (Algorithm.AES192, 0, "d17ddf46adaacde531cac483de7a9367"),
    (Algorithm.AES192, 16, "9e99a7bf31e710900662f65e617c5184"),
    (Algorithm.AES256, 0, "028962f61b7bf89efc6b551f4667d983"),
    (Algorithm.AES256, 16, "28a7023f452e8f82bd4bf28d8c37c35c"),
    (Algorithm.AES256, 40, "aaf3d8f1de5640c232f5b169b9c911e6"),
    (Algorithm.AES256, 64, "e1992190549f6ed5696a2c056c315410"),
]


@pytest.mark.parametrize(("algorithm", "length", "tag"), NIST)
def test_aes_cmac_of_nist_sp_800_38b(
    module: Module, name: str, algorithm: Algorithm, length: int, tag: str
) -> None:
    load(module, name, Usage.MAC, algorithm, bytes.fromhex(NIST_KEYS[algorithm]))
    assert module.mac(name, TEXT[:length], 16).hex() == tag
    assert module.mac(name, TEXT[:length]).hex() == tag[:16]
    assert module.verify_mac(name, TEXT[:length], bytes.fromhex(tag))


@pytest.mark.parametrize(
    ("length", "tag"), [(0, "b7a688e122ffaf95"), (8, "8e8f293136283797"), (32, "33e6b1092400eae5")]
)
def test_tdes_cmac_of_nist_sp_800_38b(length: int, tag: str) -> None:
    key = bytes.fromhex("8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5")
    assert Ciphers(Algorithm.TDES3, key).cmac(TEXT[:length]).hex() == tag


X919 = [
    # ISO/IEC 9797-1 algorithm 3, padding 1, 16 bytes of text
    ("7CA110454A1A6E570131D9619DC1376E", b"Hello World !!!!".hex(), "F09B856213BAB83B"),
    # ICAO Doc 9303 part 11 appendix D.3, the text filled there by padding 2
    (
        "7962D9ECE03D1ACD4C76089DCE131543",
        "72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F28000000000000000",
        "5F1448EEA8AD90A7",
    ),
]


@pytest.mark.parametrize(("key", "text", "mac"), X919)
def test_retail_mac(module: Module, name: str, key: str, text: str, mac: str) -> None:
    load(module, name, Usage.MAC, Algorithm.TDES2, bytes.fromhex(key))
    assert module.mac(name, bytes.fromhex(text)).hex().upper() == mac
    assert module.verify_mac(name, bytes.fromhex(text), bytes.fromhex(mac))


def test_pin_block_0_of_iso_9564(module: Module, name: str) -> None:
    """PIN 1234, card 43219876543210987: the clear block is 0412AC89ABCDEF67."""
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    load(module, name, Usage.PIN, Algorithm.TDES2, key)
    card = CardNumber("43219876543210987")
    block = module.pin_block(name, Secret("1234"), card, PinFormat.ISO_0)
    assert Ciphers(Algorithm.TDES2, key).decrypt(block).hex().upper() == "0412AC89ABCDEF67"


def test_pin_block_4_of_iso_9564(module: Module, name: str) -> None:
    key = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    load(module, name, Usage.PIN_OPEN, Algorithm.AES128, key)
    card = CardNumber("1234567890123456")
    for block in ("7CDF645C86CAF763AE34637A66997534", "E4BE5B623AF7E006AC319E5B93544564"):
        pin = module.open_pin(name, bytes.fromhex(block), card, PinFormat.ISO_4)
        assert pin.reveal() == "1234"


CHECK_VALUES = [
    (Usage.PIN, Algorithm.TDES2, "0123456789ABCDEFFEDCBA9876543210", CheckMethod.ZEROS, "08D7B4"),
    (Usage.MAC, Algorithm.TDES2, "0123456789ABCDEFFEDCBA9876543210", CheckMethod.ZEROS, "08D7B4"),
    (Usage.TRANSPORT, Algorithm.TDES2, "5DB50B454F8361F2ADCE573BE50861F2", None, None),
    (Usage.PIN, Algorithm.AES128, "3F419E1CB7079442AA37474C2EFBF8B8", CheckMethod.CMAC, "08793E"),
    (Usage.PIN, Algorithm.AES128, "00000000000000000000000000000001", CheckMethod.ZEROS, "0545AA"),
]


@pytest.mark.parametrize(("usage", "algorithm", "key", "method", "kcv"), CHECK_VALUES)
def test_check_values(  # noqa: PLR0917 - fixtures and a row of the table
    module: Module,
    name: str,
    usage: Usage,
    algorithm: Algorithm,
    key: str,
    method: CheckMethod | None,
    kcv: str | None,
) -> None:
    info = load(module, name, usage, algorithm, bytes.fromhex(key))
    if kcv is None:
        kcv = Ciphers(algorithm, bytes.fromhex(key)).encrypt(bytes(8))[:3].hex().upper()
    assert module.check_value(name, method) == kcv
    if method in (None, info.spec.check_method):
        assert info.kcv == kcv
