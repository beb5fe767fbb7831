"""Message authentication codes in field 64 or 128, made and verified by the security module."""

from typing import Final, Literal, Protocol

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.hsm.port import MAC_BYTES, SecurityModule

NEXT: Final = ".next"
"""Ending of the name under which a key of ours waits for the host's word."""
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

    def __init__(self, module: SecurityModule, key: str) -> None:
        self._module = module
        self._key = key

    def compute(self, data: bytes) -> bytes:
        """The MAC under the current key; raises `SecurityModuleError`."""
        return self._module.mac(self._key, data)

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Whether `mac` is right under the current or a previous key, or under a key of ours that
        the host may have taken already. What a module in trouble cannot verify is not right."""
        try:
            if self._module.verify_mac(self._key, data, mac):
                return True
            return self._module.verify_mac(self._key + NEXT, data, mac)
        except SecurityModuleError:
            return False


__all__ = ["MAC_BYTES", "Mac", "MacAlgorithm", "ModuleMac"]
