"""Key entry by two custodians: each brings a component, the key is their exclusive-or.

Neither component tells anything of the key, and neither custodian sees the other's (PCI PIN
requirement 6-1, dual control and split knowledge). Both are taken in one sitting and kept in
memory only.
"""

import hmac
from typing import Final

from core_adapters.hsm.errors import KeyRefusedError
from core_adapters.hsm.kinds import CheckMethod, KeySpec
from core_adapters.hsm.primitives import CHECK_BYTES, check_digits, fit_key, odd_parity, wipe, xor

CUSTODIANS: Final = 2
MIN_CHECK_DIGITS, MAX_CHECK_DIGITS = 6, 10
MAX_COMPONENT_TEXT = 200


class ComponentEntry:
    """Collects the components of one key; prints nothing of them."""

    def __init__(self, spec: KeySpec, method: CheckMethod | None = None) -> None:
        self.spec = spec
        self.method = method or spec.check_method
        self._parts: list[tuple[str, bytearray]] = []

    @property
    def complete(self) -> bool:
        """Whether both custodians have entered theirs."""
        return len(self._parts) == CUSTODIANS

    @property
    def custodians(self) -> tuple[str, ...]:
        """Who entered, in order."""
        return tuple(name for name, _ in self._parts)

    def offer(self, custodian: str, text: str, kcv: str) -> str:
        """Take a custodian's component (hexadecimal, blanks between allowed) with its check value.

        Returns the check value. Raises `KeyRefusedError`, having taken nothing, where the same
        person comes twice, the check value is another, or the component is no component.
        """
        if self.complete:
            raise KeyRefusedError("both components are there already")
        if custodian in self.custodians or not custodian:
            raise KeyRefusedError("the second component is for another person to enter")
        component = self._parse(text)
        shown = require_check(self.spec, component, kcv, self.method)
        for _, other in self._parts:
            if _same_key(self.spec, component, other):
                wipe(component)
                raise KeyRefusedError("both components are the same; the key would be zero")
        self._parts.append((custodian, component))
        return shown

    def combine(self) -> bytearray:
        """The key; both components are overwritten. Raises `KeyRefusedError` until complete."""
        if not self.complete:
            raise KeyRefusedError("a component is missing: two custodians enter one each")
        (_, left), (_, right) = self._parts
        try:
            return fit_key(self.spec.algorithm, xor(left, right))
        finally:
            self.discard()

    def discard(self) -> None:
        """Overwrite and forget what was entered."""
        for _, component in self._parts:
            wipe(component)
        self._parts.clear()

    def __repr__(self) -> str:
        return f"ComponentEntry({self.spec.name}, {len(self._parts)} of {CUSTODIANS})"

    def _parse(self, text: str) -> bytearray:
        digits = "".join(text[:MAX_COMPONENT_TEXT].split())
        wanted = self.spec.algorithm.key_bytes
        component = _unhex(digits)
        if component is None or len(component) != wanted:
            raise KeyRefusedError(f"a component has {wanted * 2} hexadecimal digits; type it again")
        if len(set(component)) == 1:
            raise KeyRefusedError("all bytes of the component are the same; ask for a new one")
        return component


def _unhex(digits: str) -> bytearray | None:
    """None where these are no hexadecimal digits (and no exception that would carry them)."""
    try:
        return bytearray.fromhex(digits)
    except ValueError:
        return None


def _same_key(spec: KeySpec, left: bytearray, right: bytearray) -> bool:
    """Equal but for parity bits, where they do not count."""
    if spec.algorithm.is_tdes:
        return odd_parity(left) == odd_parity(right)
    return left == right


def require_check(spec: KeySpec, key: bytearray, kcv: str, method: CheckMethod) -> str:
    """The check value of `key`; raises `KeyRefusedError` where it is not `kcv` (6 to 10 digits)."""
    given = kcv.strip().upper()
    if not MIN_CHECK_DIGITS <= len(given) <= MAX_CHECK_DIGITS:
        wipe(key)
        raise KeyRefusedError(f"a check value has {MIN_CHECK_DIGITS} hexadecimal digits")
    whole = check_digits(spec.algorithm, key, method).hex().upper()
    if not hmac.compare_digest(whole[: len(given)].encode(), given.encode("utf-8")):
        wipe(key)
        raise KeyRefusedError("the check value does not fit: a digit is wrong, or the method is")
    return whole[: CHECK_BYTES * 2]
