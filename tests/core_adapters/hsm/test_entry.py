"""Two custodians, and the mistakes they make."""

import pytest

from core_adapters.hsm.entry import ComponentEntry
from core_adapters.hsm.errors import KeyRefusedError
from core_adapters.hsm.kinds import Algorithm, CheckMethod, KeySpec, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import check_digits, odd_parity, xor
from support.hsm_kit import components

SPEC = KeySpec("host.kbpk", Usage.TRANSPORT, Algorithm.AES256)
KEY = bytes(range(100, 132))
FIRST, SECOND = components(Algorithm.AES256, KEY)
FIRST_KCV, SECOND_KCV = (
    check_digits(Algorithm.AES256, part, CheckMethod.CMAC).hex()[:6] for part in (FIRST, SECOND)
)


def test_the_key_is_the_exclusive_or() -> None:
    entry = ComponentEntry(SPEC)
    grouped = " ".join(FIRST.hex()[at : at + 4] for at in range(0, 64, 4))
    assert entry.offer("li", grouped, FIRST_KCV) == FIRST_KCV.upper()
    assert not entry.complete
    entry.offer("wang", SECOND.hex().upper(), SECOND_KCV.upper())
    assert entry.complete
    assert entry.custodians == ("li", "wang")
    assert entry.combine() == KEY
    assert entry.custodians == (), "the components are gone"


def test_des_keys_get_odd_parity() -> None:
    spec = KeySpec("zpk", Usage.PIN, Algorithm.TDES2)
    key = odd_parity(bytes(range(60, 76)))
    first, _ = components(Algorithm.TDES2, key)
    first = bytes(odd_parity(first))
    second = bytes(odd_parity(xor(first, key)))
    entry = ComponentEntry(spec)
    for who, part in (("li", first), ("wang", second)):
        kcv = check_digits(Algorithm.TDES2, part, CheckMethod.ZEROS).hex()[:6]
        entry.offer(who, part.hex(), kcv)
    # Components of odd parity cancel it out; the check value does not care, tokens may.
    assert entry.combine() == key


@pytest.mark.parametrize(
    ("text", "kcv", "why"),
    [
        ("", FIRST_KCV, "64 hexadecimal digits"),
        (FIRST.hex()[:-1], FIRST_KCV, "64 hexadecimal digits"),
        (FIRST.hex() + "00", FIRST_KCV, "64 hexadecimal digits"),
        ("x" + FIRST.hex()[1:], FIRST_KCV, "64 hexadecimal digits"),
        ("0" * 5000, FIRST_KCV, "64 hexadecimal digits"),
        ("00" * 32, FIRST_KCV, "the same"),
        (FIRST.hex(), SECOND_KCV, "does not fit"),
        ("ff" + FIRST.hex()[2:], FIRST_KCV, "does not fit"),
        (FIRST.hex(), "", "six|6 hexadecimal"),
        (FIRST.hex(), FIRST_KCV[:4], "6 hexadecimal"),
        (FIRST.hex(), FIRST_KCV + "é", "does not fit"),
    ],
)
def test_a_mistake_takes_nothing_and_may_be_mended(text: str, kcv: str, why: str) -> None:
    entry = ComponentEntry(SPEC)
    with pytest.raises(KeyRefusedError, match=why) as caught:
        entry.offer("li", text, kcv)
    assert entry.custodians == ()
    if text:
        assert text not in str(caught.value)
    assert caught.value.__context__ is None
    assert entry.offer("li", FIRST.hex(), FIRST_KCV)


def test_one_person_is_not_two() -> None:
    entry = ComponentEntry(SPEC)
    entry.offer("li", FIRST.hex(), FIRST_KCV)
    with pytest.raises(KeyRefusedError, match="another person"):
        entry.offer("li", SECOND.hex(), SECOND_KCV)
    with pytest.raises(KeyRefusedError, match="components are the same"):
        entry.offer("wang", FIRST.hex(), FIRST_KCV)
    with pytest.raises(KeyRefusedError, match="is missing"):
        entry.combine()


def test_there_is_no_third() -> None:
    entry = ComponentEntry(SPEC)
    entry.offer("li", FIRST.hex(), FIRST_KCV)
    entry.offer("wang", SECOND.hex(), SECOND_KCV)
    with pytest.raises(KeyRefusedError, match="already"):
        entry.offer("zhao", SECOND.hex(), SECOND_KCV)


def test_the_old_check_value_where_the_letter_has_it() -> None:
    entry = ComponentEntry(SPEC, CheckMethod.ZEROS)
    kcv = check_digits(Algorithm.AES256, FIRST, CheckMethod.ZEROS).hex()
    assert entry.offer("li", FIRST.hex(), kcv[:10]) == kcv[:6].upper()


def test_a_weak_key_is_refused(module: Module, name: str) -> None:
    """Two parts equal would be single DES."""
    spec = KeySpec(name, Usage.PIN, Algorithm.TDES2)
    first, second = components(Algorithm.TDES2, bytes(range(50, 58)) * 2)
    entry = ComponentEntry(spec)
    for who, part in (("li", first), ("wang", second)):
        kcv = check_digits(Algorithm.TDES2, part, CheckMethod.ZEROS).hex()[:6]
        entry.offer(who, part.hex(), kcv)
    with pytest.raises(KeyRefusedError, match="single DES"):
        module.enter(entry)
    assert name not in {info.spec.name for info in module.list_keys()}


def test_an_entry_shows_nothing() -> None:
    entry = ComponentEntry(SPEC)
    entry.offer("li", FIRST.hex(), FIRST_KCV)
    assert repr(entry) == "ComponentEntry(host.kbpk, 1 of 2)"
