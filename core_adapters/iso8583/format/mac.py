"""Message authentication codes in field 64 or 128, made and verified by the security module."""

import time
from collections.abc import Callable
from typing import Final, Literal, Protocol

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.hsm.port import MAC_BYTES, SecurityModule

NEXT: Final = ".next"
"""Ending of the name under which a key of ours waits for the host's word."""
REREAD_S: Final = 5.0
"""Seconds between two looks at the keys because of wrong MACs: a peer that sends nothing else makes
no more work than that."""
MacAlgorithm = Literal["aes-cmac", "x9.19"]


class Mac(Protocol):
    """A keyed MAC of eight bytes."""

    def compute(self, data: bytes) -> bytes:
        """Return the MAC of `data`."""
        ...

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Tell, in constant time, whether `mac` is the MAC of `data`."""
        ...


class ModuleMac:
    """The MAC key `key` of a module: the current version makes, previous ones verify too.

    Called on the event loop: the software module takes two microseconds (AES-CMAC). A module
    that blocks gives its host a loop of its own, see `apart`.
    """

    def __init__(
        self,
        module: SecurityModule,
        key: str,
        reread: Callable[[], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reread` (default: the module's own) sees what another process did to the keys; `now` is
        monotonic seconds."""
        self._module = module
        self._key = key
        self._reread = reread or module.reload
        self._now = now
        self._reread_after = float("-inf")

    def compute(self, data: bytes) -> bytes:
        """The MAC under the current key; raises `SecurityModuleError`."""
        return self._module.mac(self._key, data)

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Whether `mac` is right under the current or a previous key, or under a key of ours that
        the host may have taken already. What a module in trouble cannot verify is not right.

        Before a MAC is said to be wrong the keys are read again, at most every `REREAD_S` seconds:
        another node of the same key folder may have taken a new key from the host."""
        if self._right(data, mac):
            return True
        now = self._now()
        if now < self._reread_after + REREAD_S:
            return False
        self._reread_after = now
        try:
            self._reread()
        except SecurityModuleError:
            return False
        return self._right(data, mac)

    def _right(self, data: bytes, mac: bytes) -> bool:
        try:
            if self._module.verify_mac(self._key, data, mac):
                return True
            return self._module.verify_mac(self._key + NEXT, data, mac)
        except SecurityModuleError:
            return False


__all__ = ["MAC_BYTES", "Mac", "MacAlgorithm", "ModuleMac"]
