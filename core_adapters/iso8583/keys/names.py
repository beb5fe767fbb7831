"""Which keys of the security module belong to a host, and whether they fit its profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core_adapters.hsm.errors import KeyUsageError, UnknownKeyError
from core_adapters.hsm.kinds import Algorithm, KeyState, PinFormat, Usage
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.profile import Profile

_MAC_KEYS: Mapping[str, tuple[Algorithm, ...]] = MappingProxyType(
    {
        "aes-cmac": (Algorithm.AES128, Algorithm.AES192, Algorithm.AES256),
        "x9.19": (Algorithm.TDES2,),
    }
)
_PIN_KEYS: Mapping[bool, tuple[Algorithm, ...]] = MappingProxyType(
    {
        False: (Algorithm.TDES2, Algorithm.TDES3),
        True: (Algorithm.AES128, Algorithm.AES192, Algorithm.AES256),
    }
)
"""By whether the PIN blocks are of format 4."""


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Names of the keys shared with one host."""

    pin: str
    mac: str
    transport: str

    @classmethod
    def of(cls, host: str) -> "KeyNames":
        """`<host>.zpk`, `<host>.mak` and `<host>.kbpk`."""
        return cls(f"{host}.zpk", f"{host}.mak", f"{host}.kbpk")


def pin_algorithms(profile: Profile) -> tuple[Algorithm, ...]:
    """What the zone PIN key may be; the first is what the demo makes."""
    return _PIN_KEYS[profile.pin_format == PinFormat.ISO_4]


def mac_algorithms(profile: Profile) -> tuple[Algorithm, ...]:
    """What the MAC key may be; the first is what the demo makes."""
    return _MAC_KEYS[profile.mac]


def check_keys(
    module: SecurityModule, names: KeyNames, profile: Profile, pin_usage: Usage = Usage.PIN
) -> None:
    """Raise `UnknownKeyError` or `KeyUsageError` where the module has not what the profile needs:
    a node must not find that out from its first customer."""
    wanted = {
        names.pin: (pin_usage, pin_algorithms(profile)),
        names.mac: (Usage.MAC, mac_algorithms(profile)),
    }
    held = {i.spec.name: i.spec for i in module.list_keys() if i.state is KeyState.CURRENT}
    for name, (usage, algorithms) in wanted.items():
        spec = held.get(name)
        if spec is None:
            raise UnknownKeyError(
                f"no key {name} in the security module; take the host's with `telebank keys "
                f"import {name}` or `telebank keys enter {name}`"
            )
        if spec.usage is not usage or spec.algorithm not in algorithms:
            raise KeyUsageError(
                f"{name} is a {spec.usage} key of {spec.algorithm}; profile {profile.name} needs "
                f"a {usage} key of {' or '.join(algorithms)}"
            )
