"""How messages stand on the wire: `wire`, `mac`, `pin`, `bin_digits`."""

from core_adapters.iso8583.format.fields import WireOptions
from core_adapters.iso8583.format.framing import FrameOptions
from core_adapters.iso8583.format.mac import MacAlgorithm
from core_adapters.iso8583.loading.common import as_mti
from core_adapters.profiles.yamlread import Section

MAX_FRAME = 65_535
TPDU_DIGITS = 10
PIN_FORMATS = (0, 3, 4)
BIN_DIGITS = (6, 8)
FORMS = ("binary", "bcd", "ascii")
SIZES = {"binary": (2, 4), "bcd": (2,), "ascii": (4,)}
"""Bytes that a length header may have, by its form."""


def read_wire(section: Section) -> tuple[WireOptions, FrameOptions]:
    """`wire`: encodings, and length header with TPDU."""
    frame = _frame(section.section("frame"), section.section("tpdu"))
    wire = WireOptions(
        mti=section.choice("mti", ("ascii", "bcd"), "ascii"),
        bitmap=section.choice("bitmap", ("binary", "hex"), "binary"),
        numeric=section.choice("numeric", ("ascii", "bcd"), "ascii"),
        lengths=section.choice("lengths", ("ascii", "bcd"), "ascii"),
    )
    section.done()
    return wire, frame


def _frame(frame: Section, tpdu: Section) -> FrameOptions:
    form = frame.choice("form", FORMS, "binary")
    counts = frame.take("counts_itself", bool, False)
    size, longest = _sizes(frame, form)
    use = tpdu.choice("use", ("none", "optional", "required"), "none")
    value = _tpdu(tpdu)
    frame.done()
    tpdu.done()
    return FrameOptions(size, longest, use, value, form, counts)


def _sizes(frame: Section, form: str) -> tuple[int, int]:
    size, longest = frame.take("size", int), frame.take("max", int)
    if size not in SIZES[form]:
        allowed = " or ".join(str(one) for one in SIZES[form])
        raise frame.error(f"size of a length header in {form} is {allowed} bytes", "size")
    # Packed or in characters, a header of four digits says at most 9999.
    most = MAX_FRAME if form == "binary" else 9_999 - size
    if not 0 < longest <= most:
        raise frame.error(f"max is 1 to {most}", "max")
    return size, longest


def _tpdu(section: Section) -> bytes:
    text = section.take("value", str, "6000000000")
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(text) != TPDU_DIGITS or len(value) != TPDU_DIGITS // 2 or value[0] != 0x60:  # noqa: PLR2004 - its id
        raise section.error("a TPDU is ten hexadecimal digits beginning with 60", "value")
    return value


def read_mac(section: Section) -> tuple[MacAlgorithm, frozenset[str]]:
    """`mac`: the algorithm, and the MTIs that carry none."""
    algorithm: MacAlgorithm = section.choice("algorithm", ("aes-cmac", "x9.19"))
    exempt = section.take("exempt", list, [])
    found = frozenset(as_mti(section, one, "exempt") for one in exempt)
    section.done()
    return algorithm, found


def read_pin(section: Section) -> int:
    """`pin`: the PIN block's format (ISO 9564-1)."""
    found: int = section.take("format", int)
    if found not in PIN_FORMATS:
        raise section.error("'format' is a PIN block format of ISO 9564-1: 0, 3 or 4", "format")
    section.choice("pad", ("K1K2K1",), "K1K2K1")
    section.done()
    return found


def read_bin_digits(top: Section) -> int:
    """`bin_digits`: leading digits of a card number that may be shown."""
    found: int = top.take("bin_digits", int, 6)
    if found not in BIN_DIGITS:
        raise top.error("leading digits of a card number that may be shown: 6 or 8", "bin_digits")
    return found
