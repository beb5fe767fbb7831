"""TR-31 key blocks: published ones, psec's, our own, and broken ones."""

import secrets

import psec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.hsm.errors import KeyRefusedError, KeyUsageError
from core_adapters.hsm.keyblocks import Protection, unwrap, wrap
from core_adapters.hsm.kinds import Algorithm, KeySpec, KeyState, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import Ciphers
from support.hsm_kit import load

TDES_KBPK = secrets.token_bytes(24)
AES_KBPK = secrets.token_bytes(32)


def protection(algorithm: Algorithm, key: bytes) -> Protection:
    return Protection(algorithm, Ciphers(algorithm, key).cmac)


PUBLISHED = [
    # TR-31:2018 A.7.2.2
    (
        Algorithm.TDES2,
        "DD7515F2BFC17F85CE48F3CA25CB21F6",
        "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
        Usage.PIN,
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
    # TR-31:2018 A.7.4
    (
        Algorithm.AES256,
        "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D2"
        "07E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
        Usage.PIN,
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
    # made by a payShield 10K
    (
        Algorithm.TDES2,
        "EFE0853B256B583D868F251CE99EA1D9",
        "B0080K0TN00N00001C414014375212C24995E405B5EE052CB92B67F455EA2680F6751088F9F1C228",
        Usage.TRANSPORT,
        "5DB50B454F8389ADCE573BE50861F2BF",
    ),
    # psec's documentation
    (
        Algorithm.TDES2,
        "AB" * 16,
        "B0096P0TE00N0000471D4FBE35E5865BDE20DBF4C15503161F55D681170BF8DD14D01B6822EF8550"
        "CB67C569DE8AC048",
        Usage.PIN,
        "CD" * 16,
    ),
]


@pytest.mark.parametrize(("algorithm", "kbpk", "block", "usage", "key"), PUBLISHED)
def test_published_block_opens(
    algorithm: Algorithm, kbpk: str, block: str, usage: Usage, key: str
) -> None:
    spec, material = unwrap(protection(algorithm, bytes.fromhex(kbpk)), "k", usage, block)
    assert material.hex().upper() == key
    assert spec.exportable == (block[11] == "E")


@pytest.mark.parametrize("row", PUBLISHED[:2])
def test_published_block_imports(
    module: Module, name: str, row: tuple[Algorithm, str, str, Usage, str]
) -> None:
    """The check values of A.7.2.2 and A.7.4 are 57C409 and 08793E."""
    algorithm, kbpk, block, usage, _ = row
    load(module, f"{name}.kbpk", Usage.TRANSPORT, algorithm, bytes.fromhex(kbpk))
    expected = "57C409" if algorithm is Algorithm.TDES2 else "08793E"
    info = module.import_key(name, usage, block, f"{name}.kbpk", kcv=expected)
    assert info.kcv == expected
    assert info.state is KeyState.CURRENT


SPECS = [
    KeySpec("a", Usage.PIN, Algorithm.TDES2, exportable=True),
    KeySpec("b", Usage.PIN, Algorithm.TDES3, exportable=True),
    KeySpec("c", Usage.PIN, Algorithm.AES256, exportable=True),
    KeySpec("d", Usage.MAC, Algorithm.AES128, exportable=True),
    KeySpec("e", Usage.MAC, Algorithm.TDES2, exportable=True),
    KeySpec("f", Usage.VERIFIER, Algorithm.HMAC256, exportable=True),
    KeySpec("g", Usage.TRANSPORT, Algorithm.AES192, exportable=True),
]


@given(
    spec=st.sampled_from(SPECS),
    under=st.sampled_from([Algorithm.TDES3, Algorithm.AES256]),
    key=st.binary(min_size=32, max_size=32),
)
def test_round_trip_and_psec_agrees(spec: KeySpec, under: Algorithm, key: bytes) -> None:
    material = bytearray(key[: spec.algorithm.key_bytes])
    kbpk = TDES_KBPK if under.is_tdes else AES_KBPK
    guard = protection(under, kbpk)
    if spec.algorithm.strength > under.strength:
        with pytest.raises(KeyRefusedError, match="may not travel"):
            wrap(guard, spec, material)
        return
    block = wrap(guard, spec, material)
    back, opened = unwrap(guard, spec.name, spec.usage, block)
    assert opened == material
    assert back.algorithm is spec.algorithm
    assert not back.exportable
    header, theirs = psec.tr31.unwrap(kbpk, block)
    assert theirs == bytes(material)
    assert header.version_id == ("B" if under.is_tdes else "D")
    assert len({wrap(guard, spec, material) for _ in range(2)}) == 2, "the filler is random"


@given(key=st.binary(min_size=16, max_size=16), version=st.sampled_from("BD"))
def test_blocks_of_psec_open(key: bytes, version: str) -> None:
    kbpk = TDES_KBPK if version == "B" else AES_KBPK
    algorithm = Algorithm.TDES3 if version == "B" else Algorithm.AES256
    block = psec.tr31.wrap(kbpk, f"{version}0000P0TN00N0000", key)
    assert unwrap(protection(algorithm, kbpk), "k", Usage.PIN, block)[1] == key


def test_every_changed_character_is_refused() -> None:
    guard = protection(Algorithm.AES256, AES_KBPK)
    block = wrap(guard, SPECS[5], bytearray(range(32)))
    for at, char in enumerate(block):
        changed = block[:at] + ("1" if char != "1" else "2") + block[at + 1 :]
        with pytest.raises((KeyRefusedError, KeyUsageError)):
            unwrap(guard, "k", Usage.VERIFIER, changed)


def test_every_truncation_is_refused() -> None:
    guard = protection(Algorithm.TDES3, TDES_KBPK)
    block = wrap(guard, SPECS[0], bytearray(range(16)))
    for length in range(len(block)):
        with pytest.raises(KeyRefusedError):
            unwrap(guard, "k", Usage.PIN, block[:length])
        with pytest.raises(KeyRefusedError):
            unwrap(guard, "k", Usage.PIN, block[:length] + secrets.token_hex(8))


@given(st.text(max_size=200))
def test_no_text_crashes(text: str) -> None:
    with pytest.raises(KeyRefusedError):
        unwrap(protection(Algorithm.AES256, AES_KBPK), "k", Usage.PIN, text)


@pytest.mark.parametrize(
    ("header", "usage", "why"),
    [
        ("D0000M6AC00N0000", Usage.PIN, "usage M6"),
        ("D0000P0AE00N0000", Usage.MAC, "usage P0"),
        ("D0000P0AE00N0000", Usage.PIN_OPEN, "mode of use E"),
        ("D0000P0AD00N0000", Usage.PIN, "mode of use D"),
        ("D0000M6AV00N0000", Usage.MAC, "mode of use V"),
        ("D0000M3AC00N0000", Usage.MAC, "usage M3"),
        ("D0000K1AE00N0000", Usage.TRANSPORT, "mode of use E"),
        ("D0000P0RB00N0000", Usage.PIN, "algorithm R"),
        ("D0000P0DB00N0000", Usage.PIN, "algorithm D"),
    ],
)
def test_another_use_is_refused(header: str, usage: Usage, why: str) -> None:
    block = psec.tr31.wrap(AES_KBPK, header, secrets.token_bytes(16))
    with pytest.raises(KeyRefusedError, match=why):
        unwrap(protection(Algorithm.AES256, AES_KBPK), "k", usage, block)


def test_old_versions_are_refused() -> None:
    block = psec.tr31.wrap(TDES_KBPK, "A0000P0TE00N0000", bytes(range(16)))
    with pytest.raises(KeyRefusedError, match="takes version B"):
        unwrap(protection(Algorithm.TDES3, TDES_KBPK), "k", Usage.PIN, block)


def test_an_hmac_key_of_another_hash_is_refused() -> None:
    header = psec.tr31.Header("D", "M7", "H", "C")
    header.blocks["HM"] = "23"
    block = psec.tr31.wrap(AES_KBPK, header, secrets.token_bytes(32))
    with pytest.raises(KeyRefusedError, match="another hash"):
        unwrap(protection(Algorithm.AES256, AES_KBPK), "k", Usage.VERIFIER, block)


def test_the_wrong_transport_key_opens_nothing(module: Module, name: str) -> None:
    module.generate(KeySpec(f"{name}.a", Usage.TRANSPORT, Algorithm.AES256))
    module.generate(KeySpec(f"{name}.b", Usage.TRANSPORT, Algorithm.AES256))
    module.generate(KeySpec(name, Usage.MAC, Algorithm.AES128, exportable=True))
    block = module.export_key(name, f"{name}.a")
    with pytest.raises(KeyRefusedError, match="another transport key"):
        module.import_key(f"{name}.copy", Usage.MAC, block, f"{name}.b")
    assert not [i for i in module.list_keys() if i.spec.name == f"{name}.copy"]


def test_a_rotated_transport_key_still_opens(module: Module, name: str) -> None:
    spec = KeySpec(f"{name}.kbpk", Usage.TRANSPORT, Algorithm.AES256)
    module.generate(spec)
    module.generate(KeySpec(name, Usage.MAC, Algorithm.AES128, exportable=True))
    block = module.export_key(name, spec.name)
    module.generate(spec, rotate=True)
    info = module.import_key(f"{name}.copy", Usage.MAC, block, spec.name)
    assert info.kcv == module.check_value(name)
    module.retire(spec.name, 1)
    with pytest.raises(KeyRefusedError):
        module.import_key(f"{name}.late", Usage.MAC, block, spec.name)


def test_the_senders_check_value_must_fit(module: Module, name: str) -> None:
    module.generate(KeySpec(f"{name}.kbpk", Usage.TRANSPORT, Algorithm.AES256))
    module.generate(KeySpec(name, Usage.MAC, Algorithm.AES128, exportable=True))
    block = module.export_key(name, f"{name}.kbpk")
    right = module.check_value(name)
    wrong = f"{int(right, 16) ^ 1:06X}"
    with pytest.raises(KeyRefusedError, match="check value"):
        module.import_key(f"{name}.copy", Usage.MAC, block, f"{name}.kbpk", kcv=wrong)
    assert module.import_key(f"{name}.copy", Usage.MAC, block, f"{name}.kbpk", kcv=right)


def test_what_may_not_leave_stays(module: Module, name: str) -> None:
    module.generate(KeySpec(f"{name}.kbpk", Usage.TRANSPORT, Algorithm.AES128, exportable=True))
    module.generate(KeySpec(name, Usage.MAC, Algorithm.AES128))
    module.generate(KeySpec(f"{name}.strong", Usage.MAC, Algorithm.AES256, exportable=True))
    with pytest.raises(KeyRefusedError, match="stay in this module"):
        module.export_key(name, f"{name}.kbpk")
    with pytest.raises(KeyRefusedError, match="may not travel"):
        module.export_key(f"{name}.strong", f"{name}.kbpk")
    with pytest.raises(KeyRefusedError, match="under itself"):
        module.export_key(f"{name}.kbpk", f"{name}.kbpk")
    with pytest.raises(KeyUsageError):
        module.export_key(f"{name}.strong", name)
