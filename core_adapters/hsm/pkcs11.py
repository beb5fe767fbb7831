"""The security module over PKCS#11 (OASIS PKCS #11 v2.40): keys live in a token and work there.

What a token cannot do, and what is done about it:

- PIN blocks: no mechanism knows the formats. The fields are made in our memory, the encryption is
  ECB in the token.
- X9.19: no mechanism for it. A double-length key is kept as two token keys, K1‖K1 (which is single
  DES) and K1‖K2; the chain is CBC under the first, the last block ECB under the second. The chain
  value crosses our memory. Because a token cannot split a key, such a key is made in our memory
  from the token's random numbers.
- TR-31: no mechanism. The transport key stays in the token and does CMAC; the key that travels
  crosses our memory for the time of the call. An exported key leaves the token under AES key wrap
  (RFC 3394) with a session key of ours, so only keys made exportable can leave.
- Entry by custodians: the components are combined in our memory, then put into the token.
- A mechanism that the token has not: `NotSupportedError` naming it, before anything is done.

Every method blocks, and they run one at a time: use `pool.ModulePool`. Objects are named
`tb:<name>:<version>`; CKA_ID says the rest. A retired key's objects are destroyed, a data object
keeps its record.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from core_adapters.hsm.errors import (
    KeyRefusedError,
    ModuleAwayError,
    NotSupportedError,
    SecurityModuleError,
)
from core_adapters.hsm.kinds import (
    MAX_KEYS,
    Algorithm,
    CheckMethod,
    KeyInfo,
    KeySpec,
    KeyState,
    Usage,
    states,
)
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import (
    AES_BLOCK,
    CHECK_BYTES,
    DES_BLOCK,
    block_size,
    fit_key,
    retail_split,
    wipe,
    xor,
)
from core_adapters.hsm.token import Token, TokenOptions
from core_adapters.hsm.token_objects import (
    Found,
    Template,
    identity,
    label_of,
    ours,
    parse,
    template,
)

HALF = "half"
WRAP_BYTES = 32
_KEY_TYPES: Mapping[Algorithm, KeyType] = MappingProxyType(
    {
        Algorithm.TDES2: KeyType.DES2,
        Algorithm.TDES3: KeyType.DES3,
        Algorithm.AES128: KeyType.AES,
        Algorithm.AES192: KeyType.AES,
        Algorithm.AES256: KeyType.AES,
        Algorithm.HMAC256: KeyType.GENERIC_SECRET,
    }
)
_MAKERS: Mapping[KeyType, Mechanism] = MappingProxyType(
    {
        KeyType.DES2: Mechanism.DES2_KEY_GEN,
        KeyType.DES3: Mechanism.DES3_KEY_GEN,
        KeyType.AES: Mechanism.AES_KEY_GEN,
        KeyType.GENERIC_SECRET: Mechanism.GENERIC_SECRET_KEY_GEN,
    }
)


class TokenKey:
    """A key in the token; implements `Key`."""

    def __init__(self, token: Token, info: KeyInfo) -> None:
        self._token = token
        self._info = info
        self._label = label_of(info.spec.name, info.version)

    @property
    def info(self) -> KeyInfo:
        """What it is."""
        return self._info

    def __repr__(self) -> str:
        return f"TokenKey({self._label})"

    def encrypt(self, blocks: bytes) -> bytes:
        """ECB in the token."""
        mechanism = self._token.require(_ecb(self._info.spec.algorithm), "encrypt")
        with self._token.session("encrypt") as session:
            return bytes(session.find(self._label).encrypt(blocks, mechanism=mechanism))

    def decrypt(self, blocks: bytes) -> bytes:
        """ECB in the token."""
        mechanism = self._token.require(_ecb(self._info.spec.algorithm), "decrypt")
        with self._token.session("decrypt") as session:
            return bytes(session.find(self._label).decrypt(blocks, mechanism=mechanism))

    def cmac(self, data: bytes) -> bytes:
        """CMAC in the token; a key that may only encrypt makes its check value by hand."""
        if _cmac_by_hand(self._info.spec):
            return _cmac_of_block(self.encrypt, data)
        tdes = self._info.spec.algorithm.is_tdes
        mechanism = Mechanism.DES3_CMAC if tdes else Mechanism.AES_CMAC
        return self._sign(self._token.require(mechanism, "make a CMAC"), data)

    def retail_mac(self, data: bytes) -> bytes:
        """X9.19 with the two halves."""
        cbc = self._token.require(Mechanism.DES3_CBC, "chain an X9.19 MAC")
        ecb = self._token.require(Mechanism.DES3_ECB, "finish an X9.19 MAC")
        head, last = retail_split(data)
        chain = bytes(DES_BLOCK)
        with self._token.session("make a MAC") as session:
            if head:
                half = session.find(f"{self._label}:{HALF}")
                chain = half.encrypt(head, mechanism=cbc, mechanism_param=chain)[-DES_BLOCK:]
            return bytes(session.find(self._label).encrypt(xor(chain, last), mechanism=ecb))

    def hmac(self, data: bytes) -> bytes:
        """HMAC-SHA-256 in the token."""
        return self._sign(self._token.require(Mechanism.SHA256_HMAC, "make an HMAC"), data)

    def _sign(self, mechanism: Mechanism, data: bytes) -> bytes:
        with self._token.session("make a MAC") as session:
            return bytes(session.find(self._label).sign(data, mechanism=mechanism))


class TokenKeys:
    """Keys in a token; implements `Keystore`."""

    def __init__(self, token: Token, now: Callable[[], float] = time.time) -> None:
        self._token = token
        self._now = now
        self._infos: tuple[KeyInfo, ...] = ()
        self.reload()

    def __repr__(self) -> str:
        return f"TokenKeys({self._token.name}, {len(self._infos)} keys)"

    def infos(self) -> Sequence[KeyInfo]:
        """See `Keystore.infos`."""
        return self._infos

    def key(self, info: KeyInfo) -> TokenKey:
        """See `Keystore.key`."""
        return TokenKey(self._token, info)

    def make(self, spec: KeySpec, version: int) -> KeyInfo:
        """See `Keystore.make`: in the token, but for X9.19 keys (see above)."""
        if _is_retail(spec):
            material = self._random(spec.algorithm)
            try:
                return self.put(spec, version, material)
            finally:
                wipe(material)
        kind = _KEY_TYPES[spec.algorithm]
        maker = self._token.require(_MAKERS[kind], f"make a key of {spec.algorithm}")
        label = self._room_for(spec, version)
        length = None if spec.algorithm.is_tdes else spec.algorithm.key_bytes * 8
        with self._token.session("make a key") as session:
            made = session.raw.generate_key(
                kind, length, mechanism=maker, template=template(spec, label)
            )
        try:
            return self._register(spec, version, made)
        except NotSupportedError:
            self._destroy(label)
            raise

    def put(self, spec: KeySpec, version: int, material: bytearray) -> KeyInfo:
        """See `Keystore.put`. The half of an X9.19 key goes first: the whole one is the record."""
        key = fit_key(spec.algorithm, material)
        label = self._room_for(spec, version)
        kind = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: _KEY_TYPES[spec.algorithm],
        }
        with self._token.session("take a key") as session:
            if _is_retail(spec):
                half = template(spec, f"{label}:{HALF}") | {Attribute.EXTRACTABLE: False}
                session.raw.create_object({**kind, **half, Attribute.VALUE: bytes(key[:8] * 2)})
            value = {Attribute.VALUE: bytes(key)}
            made = session.raw.create_object({**kind, **template(spec, label), **value})
        wipe(key)
        return self._register(spec, version, made)

    def take(self, info: KeyInfo) -> bytearray:
        """See `Keystore.take`: out under AES key wrap, opened here."""
        wrap = self._token.require(Mechanism.AES_KEY_WRAP, "let a key out")
        key = secrets.token_bytes(WRAP_BYTES)
        wrapping: Template = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.AES,
            Attribute.TOKEN: False,
            Attribute.WRAP: True,
            Attribute.VALUE: key,
        }
        with self._token.session("let a key out") as session:
            wrapper: Any = session.raw.create_object(wrapping)
            found = session.find(label_of(info.spec.name, info.version))
            wrapped = bytes(wrapper.wrap_key(found, mechanism=wrap))
            wrapper.destroy()
        try:
            return bytearray(aes_key_unwrap(key, wrapped))
        except InvalidUnwrap:
            raise ModuleAwayError("the token let a key out that does not open") from None

    def retire(self, info: KeyInfo) -> None:
        """See `Keystore.retire`: the record is written first, then the key is destroyed."""
        label = label_of(info.spec.name, info.version)
        record: Template = {
            Attribute.CLASS: ObjectClass.DATA,
            Attribute.TOKEN: True,
            Attribute.PRIVATE: True,
            Attribute.LABEL: label,
            Attribute.VALUE: identity(info.spec, info.kcv, info.made).encode("ascii"),
        }
        with self._token.session("retire a key") as session:
            session.raw.create_object(record)
        self._destroy(label)
        self.reload()

    def faults(self) -> Sequence[str]:
        """See `Keystore.faults`."""
        live = [info for info in self._infos if info.state is not KeyState.RETIRED]
        return [fault for info in live if (fault := self._fault(info))]

    def _fault(self, info: KeyInfo) -> str:
        where = f"key {info.spec.name} version {info.version}"
        try:
            right = _check(self.key(info))[:CHECK_BYTES].hex().upper() == info.kcv
        except SecurityModuleError as error:
            return f"{where}: {error}"
        return "" if right else f"{where}: another check value than recorded"

    def reload(self) -> None:
        """See `Keystore.reload`."""
        self._token.forget()
        live: dict[tuple[str, int], Found] = {}
        gone: dict[tuple[str, int], Found] = {}
        with self._token.session("list its keys") as session:
            for label, text, retired in ours(session.raw):
                found = parse(label, text)
                if found is not None:
                    (gone if retired else live)[found.spec.name, found.version] = found
        if len(live) + len(gone) > MAX_KEYS:
            raise KeyRefusedError(f"the token holds more than {MAX_KEYS} of our keys")
        self._infos = tuple(_infos(live | gone, frozenset(gone)))

    def close(self) -> None:
        """See `Keystore.close`."""
        self._infos = ()
        self._token.close()

    def _random(self, algorithm: Algorithm) -> bytearray:
        with self._token.session("give random numbers") as session:
            return fit_key(algorithm, session.raw.generate_random(algorithm.key_bytes * 8))

    def _room_for(self, spec: KeySpec, version: int) -> str:
        label = label_of(spec.name, version)
        self.reload()
        if any((i.spec.name, i.version) == (spec.name, version) for i in self._infos):
            raise KeyRefusedError(f"{spec.name} was changed by another process; try again")
        if len(self._infos) >= MAX_KEYS:
            raise KeyRefusedError(f"the module holds {MAX_KEYS} keys and takes no more")
        # What a crash between two objects left.
        self._destroy(label)
        return label

    def _destroy(self, label: str) -> None:
        with self._token.session("remove a key") as session:
            for name in (label, f"{label}:{HALF}"):
                wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: name}
                for found in list(session.raw.get_objects(wanted)):
                    found.destroy()

    def _register(self, spec: KeySpec, version: int, made: Any) -> KeyInfo:
        """Write the check value beside the key: only now does it count as ours."""
        blank = KeyInfo(spec, version, states({version: False})[version], "")
        key = TokenKey(self._token, blank)
        kcv = _check(key)[:CHECK_BYTES].hex().upper()
        with self._token.session("name a key"):
            made[Attribute.ID] = identity(spec, kcv, int(self._now())).encode("ascii")
        self.reload()
        return next(i for i in self._infos if (i.spec.name, i.version) == (spec.name, version))


def open_token(options: TokenOptions) -> Module:
    """The module of a token; raises `ModuleAwayError` where it is not there or the PIN is wrong."""
    return Module(TokenKeys(Token(options)))


def _infos(
    known: Mapping[tuple[str, int], Found], gone: frozenset[tuple[str, int]]
) -> Iterable[KeyInfo]:
    for name in sorted({name for name, _ in known}):
        versions = sorted((v for n, v in known if n == name), reverse=True)
        state = states({version: (name, version) in gone for version in versions})
        for version in versions:
            found = known[name, version]
            yield KeyInfo(found.spec, version, state[version], found.kcv, found.made)


def _is_retail(spec: KeySpec) -> bool:
    return spec.usage is Usage.MAC and spec.algorithm.is_tdes


def _ecb(algorithm: Algorithm) -> Mechanism:
    return Mechanism.DES3_ECB if algorithm.is_tdes else Mechanism.AES_ECB


def _check(key: TokenKey) -> bytes:
    spec = key.info.spec
    zeros = (
        bytes(32) if spec.check_method is CheckMethod.HMAC else bytes(block_size(spec.algorithm))
    )
    makers: Mapping[CheckMethod, Callable[[bytes], bytes]] = {
        CheckMethod.HMAC: key.hmac,
        CheckMethod.ZEROS: key.encrypt,
        CheckMethod.CMAC: key.cmac,
    }
    return makers[spec.check_method](zeros)


def _cmac_by_hand(spec: KeySpec) -> bool:
    return spec.usage in {Usage.PIN, Usage.PIN_OPEN} or _is_retail(spec)


def _cmac_of_block(encrypt: Callable[[bytes], bytes], block: bytes) -> bytes:
    """CMAC of exactly one block: E(block ⊕ K1), K1 being 2·E(0) (NIST SP 800-38B section 6.1)."""
    size = len(block)
    doubled = int.from_bytes(encrypt(bytes(size)), "big") << 1
    top = 1 << (size * 8)
    if doubled & top:
        doubled ^= top | (0x87 if size == AES_BLOCK else 0x1B)
    return encrypt(xor(block, doubled.to_bytes(size, "big")))
