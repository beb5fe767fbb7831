import numpy as np
import pytest

from voice_prompts import g711

ALL = np.arange(-32768, 32768).astype(np.int16)


def a_law(value: int) -> int:
    """The compressor as ITU-T G.191 writes it."""
    code = (~value if value < 0 else value) >> 4
    if code > 15:
        exponent = 1
        while code > 16 + 15:
            code >>= 1
            exponent += 1
        code = code - 16 + (exponent << 4)
    if value >= 0:
        code |= 0x80
    return code ^ 0x55


def mu_law(value: int) -> int:
    magnitude = min(((~value if value < 0 else value) >> 2) + 33, 0x1FFF)
    segment, rest = 1, magnitude >> 6
    while rest:
        segment += 1
        rest >>= 1
    code = ((8 - segment) << 4) | (0xF - ((magnitude >> segment) & 0xF))
    return code | 0x80 if value >= 0 else code


@pytest.mark.parametrize(("law", "reference"), [("pcma", a_law), ("pcmu", mu_law)])
def test_every_value_encodes_as_g191(law: g711.Law, reference: object) -> None:
    assert callable(reference)
    expected = np.array([reference(int(value)) for value in ALL], np.uint8)
    assert np.array_equal(g711.encode(ALL, law), expected)


@pytest.mark.parametrize("law", g711.LAWS)
def test_decoding_is_undone_by_encoding(law: g711.Law) -> None:
    codes = np.arange(256, dtype=np.uint8)
    again = g711.encode(g711.decode(codes, law), law)
    # mu-law has a negative zero, which encodes as the positive one.
    assert set(codes[again != codes].tolist()) == ({0x7F} if law == "pcmu" else set())


def test_known_octets() -> None:
    samples = np.array([0, 32767, -32768], np.int16)
    assert g711.encode(samples, "pcma").tolist() == [0xD5, 0xAA, 0x2A]
    assert g711.encode(samples, "pcmu").tolist() == [0xFF, 0x80, 0x00]
    assert g711.SILENCE == {"pcma": 0xD5, "pcmu": 0xFF}
    assert int(np.abs(g711.decode_table("pcma")).max()) == 32256
    assert int(np.abs(g711.decode_table("pcmu").astype(int)).max()) == 32124
