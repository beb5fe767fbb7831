"""The port of a security module: what the gateway and the core host ask of their keys.

Keys are named, and each has one usage; a key of one usage refuses another's work. A name has
versions: the newest is `current` and does everything, `previous` ones verify and open but never
make, `retired` ones do nothing. A rotation adds a version; `retire` ends the overlap.

Every method is plain CPU work on the software module (tens of microseconds). On a PKCS#11 token
it BLOCKS for as long as the device takes: an event loop calls it through `pool.ModulePool`.
All methods raise `SecurityModuleError`s; none of them carries a key, a PIN or a card number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core_adapters.hsm.entry import ComponentEntry
from core_adapters.hsm.kinds import CheckMethod, KeyInfo, KeySpec, PinFormat, Usage
from transactions.card import CardNumber
from transactions.secret import Secret

MAC_BYTES = 8
"""Length of fields 64 and 128 (b 64 bits)."""


@dataclass(frozen=True, slots=True)
class PinChange:
    """The two PIN blocks of a PIN change. Never stored."""

    old: bytes = field(repr=False)
    new: bytes = field(repr=False)


class SecurityModule(Protocol):
    """Work with keys that never leave the module but as key blocks."""

    def pin_block(self, key: str, pin: Secret, card: CardNumber, form: PinFormat) -> bytes:
        """The PIN block of ISO 9564-1 under the current `pin` key: 8 bytes (formats 0 and 3,
        Triple DES) or 16 (format 4, AES). Raises `PinBlockError` where PIN or card do not fit."""
        ...

    def pin_change(
        self, key: str, old: Secret, new: Secret, card: CardNumber, form: PinFormat
    ) -> PinChange:
        """Both PIN blocks of a PIN change, under one key."""
        ...

    def mac(self, key: str, data: bytes, length: int = MAC_BYTES) -> bytes:
        """The MAC of `data` under the current `mac` key: AES-CMAC (NIST SP 800-38B) of 8 or 16
        bytes, or ANSI X9.19 (ISO/IEC 9797-1 algorithm 3, padding 1) of 8."""
        ...

    def verify_mac(self, key: str, data: bytes, mac: bytes) -> bool:
        """Tell whether `mac` is right under the current or a previous key, in constant time."""
        ...

    def pin_verifier(self, key: str, pin: Secret, salt: bytes) -> bytes:
        """HMAC-SHA-256 of salt and telephone PIN under the current `verifier` key: 32 bytes.

        The salt has 16 to 64 bytes, is random, and belongs to one customer."""
        ...

    def verify_pin(self, key: str, pin: Secret, salt: bytes, verifier: bytes) -> bool:
        """Tell whether the PIN is the verifier's, under the current or a previous key."""
        ...

    def check_value(self, key: str, method: CheckMethod | None = None) -> str:
        """The current version's key check value, six hexadecimal digits."""
        ...

    def list_keys(self) -> Sequence[KeyInfo]:
        """Every version of every key, by name, newest first."""
        ...

    def generate(self, spec: KeySpec, *, rotate: bool = False) -> KeyInfo:
        """Make a random key; with `rotate`, the next version of the name that is there.

        Raises `KeyExistsError` where the name is taken and `rotate` was not said."""
        ...

    def enter(self, entry: ComponentEntry, *, rotate: bool = False) -> KeyInfo:
        """Take the key that two custodians entered in components."""
        ...

    def import_key(
        self,
        name: str,
        usage: Usage,
        block: str,
        under: str,
        *,
        rotate: bool = False,
        kcv: str | None = None,
    ) -> KeyInfo:
        """Take a TR-31 key block (versions B and D) under the `transport` key `under`.

        Raises `KeyRefusedError` where the block was changed, is for another usage, or has not the
        check value `kcv`."""
        ...

    def export_key(self, name: str, under: str) -> str:
        """The current version as a TR-31 key block: version B under a Triple DES transport key, D
        under AES. Raises `KeyRefusedError` where the key may not leave, or is the stronger."""
        ...

    def inspect_block(self, name: str, usage: Usage, block: str, under: str) -> KeyInfo:
        """What `import_key` would take from a key block (version 0); nothing is stored."""
        ...

    def retire(self, name: str, version: int) -> KeyInfo:
        """End a previous version: its material is destroyed. The current one is refused."""
        ...

    def discard(self, name: str) -> None:
        """End every version of a name that is no longer wanted at all, the current one too."""
        ...

    def faults(self) -> Sequence[str]:
        """Try every live key against its check value; one line for each that is not right."""
        ...

    def reload(self) -> None:
        """See what another process changed."""
        ...

    def close(self) -> None:
        """Forget every key, overwriting what Python lets overwrite."""
        ...


class IssuerModule(SecurityModule, Protocol):
    """The host's side: it may open what a gateway's `pin` key made."""

    def open_pin(self, key: str, block: bytes, card: CardNumber, form: PinFormat) -> Secret:
        """The PIN of a PIN block under a `pin-open` key, current or previous.

        Raises `PinBlockError` where the key or the card is another."""
        ...
