"""PIN blocks of ISO 9564-1: the fields in our memory, the cipher wherever the key is.

psec makes and reads the fields. Its errors quote digits, so none of them passes this module.
"""

from collections.abc import Callable

from psec import pinblock

from core_adapters.hsm.errors import PinBlockError
from core_adapters.hsm.kinds import PinFormat
from core_adapters.hsm.primitives import AES_BLOCK, DES_BLOCK, xor
from transactions.card import CardNumber
from transactions.secret import Secret

MIN_PIN, MAX_PIN = 4, 12
MIN_PAN = 13

BlockCipher = Callable[[bytes], bytes]


def seal(form: PinFormat, pin: Secret, card: CardNumber, encrypt: BlockCipher) -> bytes:
    """The PIN block in `form`, enciphered by `encrypt` (ECB of whole blocks)."""
    _check(form, pin, card)
    if form is PinFormat.ISO_4:
        inner = encrypt(pinblock.encode_pin_field_iso_4(pin.reveal()))
        return encrypt(xor(inner, pinblock.encode_pan_field_iso_4(card.digits)))
    if form is PinFormat.ISO_3:
        return encrypt(pinblock.encode_pinblock_iso_3(pin.reveal(), card.digits))
    return encrypt(pinblock.encode_pinblock_iso_0(pin.reveal(), card.digits))


def open_block(form: PinFormat, block: bytes, card: CardNumber, decrypt: BlockCipher) -> Secret:
    """The PIN of a block; raises `PinBlockError` where key, card or format is another."""
    if len(block) != block_bytes(form):
        raise PinBlockError(f"a PIN block of format {form.value} has {block_bytes(form)} bytes")
    if form is not PinFormat.ISO_4 and len(card.digits) < MIN_PAN:
        raise PinBlockError(f"formats 0 and 3 need a card number of {MIN_PAN} digits or more")
    digits = _read(form, block, card.digits, decrypt)
    if digits is None:
        raise PinBlockError("the PIN block does not open: another key, card or format")
    return Secret(digits)


def block_bytes(form: PinFormat) -> int:
    """Length of a PIN block."""
    return AES_BLOCK if form is PinFormat.ISO_4 else DES_BLOCK


def _read(form: PinFormat, block: bytes, pan: str, decrypt: BlockCipher) -> str | None:
    """None for what does not open: psec's error would carry digits into a traceback."""
    try:
        if form is PinFormat.ISO_4:
            middle = xor(decrypt(block), pinblock.encode_pan_field_iso_4(pan))
            return str(pinblock.decode_pin_field_iso_4(decrypt(middle)))
        decode = (
            pinblock.decode_pinblock_iso_3
            if form is PinFormat.ISO_3
            else pinblock.decode_pinblock_iso_0
        )
        return str(decode(decrypt(block), pan))
    except ValueError:
        return None


def _check(form: PinFormat, pin: Secret, card: CardNumber) -> None:
    text = pin.reveal()
    if not (text.isascii() and text.isdigit() and MIN_PIN <= len(text) <= MAX_PIN):
        raise PinBlockError(f"a PIN has {MIN_PIN} to {MAX_PIN} digits")
    if form is not PinFormat.ISO_4 and len(card.digits) < MIN_PAN:
        raise PinBlockError(f"formats 0 and 3 need a card number of {MIN_PAN} digits or more")
