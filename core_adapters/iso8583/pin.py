"""PIN blocks of ISO 9564-1 format 0 under a double-length DES zone key. Nothing here is stored."""

from psec import pinblock

from core_adapters.iso8583 import tdes
from core_adapters.iso8583.errors import PinError

BLOCK_BYTES = 8
MIN_PAN = 13
MIN_PIN, MAX_PIN = 4, 12


def pin_block_0(pin: str, pan: str) -> bytes:
    """The clear format 0 block: length and PIN, exclusive-or with twelve digits of the card."""
    if not (pin.isascii() and pin.isdigit() and MIN_PIN <= len(pin) <= MAX_PIN):
        raise PinError(f"a PIN has {MIN_PIN} to {MAX_PIN} digits")
    if not (pan.isascii() and pan.isdigit() and len(pan) >= MIN_PAN):
        raise PinError(f"format 0 needs a card number of {MIN_PAN} digits or more")
    return bytes(pinblock.encode_pinblock_iso_0(pin, pan))


def seal_pin(zpk: bytes, pin: str, pan: str) -> str:
    """Field 52: the format 0 block under the zone PIN key, sixteen hexadecimal digits."""
    return tdes.encrypt_ecb(zpk, pin_block_0(pin, pan)).hex().upper()


def open_pin(zpk: bytes, block: str, pan: str) -> str:
    """The PIN of field 52 (for the host's side); raises `PinError` where key or card is wrong."""
    try:
        sealed = bytes.fromhex(block)
    except ValueError:
        raise PinError("a PIN block is hexadecimal") from None
    if len(sealed) != BLOCK_BYTES or len(pan) < MIN_PAN:
        raise PinError(f"a PIN block has {BLOCK_BYTES} bytes, its card {MIN_PAN} digits or more")
    clear = tdes.decrypt_ecb(zpk, sealed)
    try:
        return str(pinblock.decode_pinblock_iso_0(clear, pan))
    except ValueError:
        raise PinError("the block does not open: wrong zone key or wrong card") from None
