"""The port's operations over any keystore: usages, states and formats are ruled here, once."""

import hmac
from collections.abc import Sequence
from typing import Protocol

from core_adapters.hsm import keyblocks, pinblocks
from core_adapters.hsm.entry import ComponentEntry, require_check
from core_adapters.hsm.errors import (
    KeyExistsError,
    KeyRefusedError,
    KeyUsageError,
    PinBlockError,
    UnknownKeyError,
)
from core_adapters.hsm.kinds import (
    MAX_VERSIONS,
    Algorithm,
    CheckMethod,
    KeyInfo,
    KeySpec,
    KeyState,
    PinFormat,
    Usage,
)
from core_adapters.hsm.port import MAC_BYTES, PinChange
from core_adapters.hsm.primitives import (
    AES_BLOCK,
    CHECK_BYTES,
    block_size,
    check_digits,
    fit_key,
    wipe,
)
from transactions.card import CardNumber
from transactions.secret import Secret

MIN_SALT, MAX_SALT = 16, 64
MAX_MAC_DATA = 65_536
_VERIFIER_DOMAIN = b"telebank telephone pin\x00"


class Key(Protocol):
    """One version of a key, able to work."""

    @property
    def info(self) -> KeyInfo:
        """What it is."""
        ...

    def encrypt(self, blocks: bytes) -> bytes:
        """ECB of whole blocks."""
        ...

    def decrypt(self, blocks: bytes) -> bytes:
        """The reverse."""
        ...

    def cmac(self, data: bytes) -> bytes:
        """CMAC, a whole block."""
        ...

    def retail_mac(self, data: bytes) -> bytes:
        """ANSI X9.19, eight bytes."""
        ...

    def hmac(self, data: bytes) -> bytes:
        """HMAC-SHA-256."""
        ...


class Keystore(Protocol):
    """Where keys live. Versions and states are the module's business."""

    def infos(self) -> Sequence[KeyInfo]:
        """Every version, by name, newest first; another object whenever anything changed."""
        ...

    def key(self, info: KeyInfo) -> Key:
        """The key of this version."""
        ...

    def make(self, spec: KeySpec, version: int) -> KeyInfo:
        """A random key, durable at return."""
        ...

    def put(self, spec: KeySpec, version: int, material: bytearray) -> KeyInfo:
        """This key, durable at return."""
        ...

    def take(self, info: KeyInfo) -> bytearray:
        """The material of an exportable key."""
        ...

    def retire(self, info: KeyInfo) -> None:
        """Destroy the material; the record stays."""
        ...

    def faults(self) -> Sequence[str]:
        """What is wrong with the keys, tried one by one."""
        ...

    def reload(self) -> None:
        """Read again what is there."""
        ...

    def close(self) -> None:
        """Forget everything."""
        ...


class Module:
    """A security module over a keystore; implements `IssuerModule`."""

    def __init__(self, store: Keystore) -> None:
        self._store = store
        self._infos: Sequence[KeyInfo] = ()
        self._lives: dict[tuple[str, Usage | None], tuple[Key, ...]] = {}

    def __repr__(self) -> str:
        return f"Module({self._store!r})"

    # PINs

    def pin_block(self, key: str, pin: Secret, card: CardNumber, form: PinFormat) -> bytes:
        """See `SecurityModule.pin_block`."""
        current = self._current(key, Usage.PIN)
        _check_form(current, form)
        return pinblocks.seal(form, pin, card, current.encrypt)

    def pin_change(
        self, key: str, old: Secret, new: Secret, card: CardNumber, form: PinFormat
    ) -> PinChange:
        """See `SecurityModule.pin_change`."""
        return PinChange(self.pin_block(key, old, card, form), self.pin_block(key, new, card, form))

    def open_pin(self, key: str, block: bytes, card: CardNumber, form: PinFormat) -> Secret:
        """See `IssuerModule.open_pin`."""
        keys = self._live(key, Usage.PIN_OPEN)
        failure: PinBlockError | None = None
        for live in keys:
            _check_form(live, form)
            try:
                return pinblocks.open_block(form, block, card, live.decrypt)
            except PinBlockError as error:
                failure = failure or error
        assert failure is not None, "a live key is there, or UnknownKeyError was raised"
        raise failure

    def pin_verifier(self, key: str, pin: Secret, salt: bytes) -> bytes:
        """See `SecurityModule.pin_verifier`."""
        return self._current(key, Usage.VERIFIER).hmac(_verifier_text(pin, salt))

    def verify_pin(self, key: str, pin: Secret, salt: bytes, verifier: bytes) -> bool:
        """See `SecurityModule.verify_pin`."""
        text = _verifier_text(pin, salt)
        return any(
            hmac.compare_digest(live.hmac(text), verifier)
            for live in self._live(key, Usage.VERIFIER)
        )

    # MACs

    def mac(self, key: str, data: bytes, length: int = MAC_BYTES) -> bytes:
        """See `SecurityModule.mac`."""
        current = self._current(key, Usage.MAC)
        if length not in _mac_lengths(current.info.spec.algorithm):
            raise KeyUsageError(f"a MAC of {current.info.spec.algorithm} has no {length} bytes")
        return _whole_mac(current, data)[:length]

    def verify_mac(self, key: str, data: bytes, mac: bytes) -> bool:
        """See `SecurityModule.verify_mac`."""
        return any(
            len(mac) in _mac_lengths(live.info.spec.algorithm)
            and hmac.compare_digest(_whole_mac(live, data)[: len(mac)], mac)
            for live in self._live(key, Usage.MAC)
        )

    # Keys

    def check_value(self, key: str, method: CheckMethod | None = None) -> str:
        """See `SecurityModule.check_value`."""
        current = self._live(key, None)[0]
        if method is None or method is current.info.spec.check_method:
            return current.info.kcv
        if CheckMethod.HMAC in (method, current.info.spec.check_method):
            raise KeyUsageError("HMAC keys, and only those, have check values by HMAC")
        zeros = bytes(block_size(current.info.spec.algorithm))
        value = current.encrypt(zeros) if method is CheckMethod.ZEROS else current.cmac(zeros)
        return value[:CHECK_BYTES].hex().upper()

    def list_keys(self) -> Sequence[KeyInfo]:
        """See `SecurityModule.list_keys`."""
        return tuple(self._store.infos())

    def generate(self, spec: KeySpec, *, rotate: bool = False) -> KeyInfo:
        """See `SecurityModule.generate`."""
        return self._store.make(spec, self._next_version(spec, rotate=rotate))

    def enter(self, entry: ComponentEntry, *, rotate: bool = False) -> KeyInfo:
        """See `SecurityModule.enter`."""
        version = self._next_version(entry.spec, rotate=rotate)
        return self._put(entry.spec, version, entry.combine())

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
        """See `SecurityModule.import_key`."""
        spec, material = self._unwrap(name, usage, block, under)
        version = self._next_version(spec, rotate=rotate)
        if kcv is not None:
            require_check(spec, material, kcv, spec.check_method)
        return self._put(spec, version, fit_key(spec.algorithm, material))

    def export_key(self, name: str, under: str) -> str:
        """See `SecurityModule.export_key`."""
        protection = _protection(self._current(under, Usage.TRANSPORT))
        current = self._live(name, None)[0].info
        if current.spec.name == under:
            raise KeyRefusedError("a transport key does not travel under itself")
        if not current.spec.exportable:
            raise KeyRefusedError(f"{name} was made to stay in this module")
        material = self._store.take(current)
        try:
            return keyblocks.wrap(protection, current.spec, material)
        finally:
            wipe(material)

    def inspect_block(self, name: str, usage: Usage, block: str, under: str) -> KeyInfo:
        """See `SecurityModule.inspect_block`."""
        spec, material = self._unwrap(name, usage, block, under)
        key = fit_key(spec.algorithm, material)
        wipe(material)
        kcv = check_digits(spec.algorithm, key, spec.check_method)[:CHECK_BYTES].hex().upper()
        wipe(key)
        return KeyInfo(spec, 0, KeyState.PREVIOUS, kcv)

    def discard(self, name: str) -> None:
        """See `SecurityModule.discard`."""
        for info in self._versions(name):
            if info.state is not KeyState.RETIRED:
                self._store.retire(info)

    def retire(self, name: str, version: int) -> KeyInfo:
        """See `SecurityModule.retire`."""
        for info in self._store.infos():
            if info.spec.name == name and info.version == version:
                if info.state is not KeyState.PREVIOUS:
                    raise KeyRefusedError(f"{name} version {version} is {info.state}, not previous")
                self._store.retire(info)
                return next(i for i in self._versions(name) if i.version == version)
        raise UnknownKeyError(f"no key {name} of version {version}")

    def faults(self) -> Sequence[str]:
        """See `SecurityModule.faults`."""
        return self._store.faults()

    def reload(self) -> None:
        """See `SecurityModule.reload`."""
        self._store.reload()

    def close(self) -> None:
        """See `SecurityModule.close`."""
        self._lives.clear()
        self._store.close()

    def _versions(self, name: str) -> list[KeyInfo]:
        return [info for info in self._store.infos() if info.spec.name == name]

    def _live(self, name: str, usage: Usage | None) -> tuple[Key, ...]:
        """Current and previous versions, newest first; never empty. Looked up once: every message
        has two MACs, and a keystore gives another sequence whenever a key of it changes."""
        infos = self._store.infos()
        if infos is not self._infos:
            self._infos = infos
            self._lives.clear()
        found = self._lives.get((name, usage))
        if found is None:
            found = self._lives[name, usage] = self._find_live(name, usage)
        return found

    def _find_live(self, name: str, usage: Usage | None) -> tuple[Key, ...]:
        live = [info for info in self._versions(name) if info.state is not KeyState.RETIRED]
        if not live:
            raise UnknownKeyError(f"no key {name!r} in the security module")
        if usage is not None and live[0].spec.usage is not usage:
            raise KeyUsageError(f"{name} is a {live[0].spec.usage} key, not a {usage} key")
        return tuple(self._store.key(info) for info in live)

    def _current(self, name: str, usage: Usage) -> Key:
        return self._live(name, usage)[0]

    def _next_version(self, spec: KeySpec, *, rotate: bool) -> int:
        versions = self._versions(spec.name)
        if not rotate:
            if versions:
                raise KeyExistsError(f"{spec.name} is there already; rotate it instead")
            return 1
        if not versions:
            raise UnknownKeyError(f"no key {spec.name!r} to rotate; make it first")
        if versions[0].spec.usage is not spec.usage:
            raise KeyUsageError(f"{spec.name} is a {versions[0].spec.usage} key and stays one")
        if versions[0].version >= MAX_VERSIONS:
            raise KeyRefusedError(f"{spec.name} has {MAX_VERSIONS} versions; take a new name")
        return versions[0].version + 1

    def _put(self, spec: KeySpec, version: int, material: bytearray) -> KeyInfo:
        try:
            return self._store.put(spec, version, material)
        finally:
            wipe(material)

    def _unwrap(self, name: str, usage: Usage, block: str, under: str) -> tuple[KeySpec, bytearray]:
        failure: KeyRefusedError | None = None
        for live in self._live(under, Usage.TRANSPORT):
            try:
                return keyblocks.unwrap(_protection(live), name, usage, block)
            except KeyRefusedError as error:
                failure = failure or error
        assert failure is not None, "a live key is there, or UnknownKeyError was raised"
        raise failure


def _protection(key: Key) -> keyblocks.Protection:
    return keyblocks.Protection(key.info.spec.algorithm, key.cmac)


def _check_form(key: Key, form: PinFormat) -> None:
    algorithm = key.info.spec.algorithm
    if algorithm.is_aes != (form is PinFormat.ISO_4):
        needs = "AES" if form is PinFormat.ISO_4 else "Triple DES"
        raise KeyUsageError(f"PIN block format {form.value} takes a key of {needs}")


def _mac_lengths(algorithm: Algorithm) -> tuple[int, ...]:
    return (MAC_BYTES, AES_BLOCK) if algorithm.is_aes else (MAC_BYTES,)


def _whole_mac(key: Key, data: bytes) -> bytes:
    if len(data) > MAX_MAC_DATA:
        raise KeyUsageError(f"a MAC is taken over at most {MAX_MAC_DATA} bytes")
    return key.cmac(data) if key.info.spec.algorithm.is_aes else key.retail_mac(data)


def _verifier_text(pin: Secret, salt: bytes) -> bytes:
    if not MIN_SALT <= len(salt) <= MAX_SALT:
        raise KeyUsageError(f"a salt has {MIN_SALT} to {MAX_SALT} bytes")
    text = pin.reveal()
    fits = len(text) in range(pinblocks.MIN_PIN, pinblocks.MAX_PIN + 1)
    if not (text.isascii() and text.isdigit() and fits):
        raise PinBlockError(f"a PIN has {pinblocks.MIN_PIN} to {pinblocks.MAX_PIN} digits")
    return _VERIFIER_DOMAIN + bytes([len(salt)]) + salt + text.encode("ascii")
