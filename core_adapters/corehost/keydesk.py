"""Key exchange (0800/101) at the host: each key, and its successor that waits for proof.

A successor makes nothing until the other side is known to have it: by its answer, or by the first
message that verifies (or PIN block that opens) under it. So no message is in doubt, whichever
connection it comes by. From then on it is current, and the key before it verifies and opens for the
overlap, and is destroyed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from core_adapters.corehost.orders import Answer, Order
from core_adapters.hsm.errors import KeyRefusedError, PinBlockError, SecurityModuleError
from core_adapters.hsm.kinds import KeyInfo, KeySpec, KeyState, PinFormat, Usage
from core_adapters.hsm.module import Module
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.profile import KeyChangeMap, Profile
from transactions.card import CardNumber
from transactions.secret import Secret

OK, NO_SUCH_KEY, NOT_AUTHENTIC = "00", "12", "63"
DEFAULT_OVERLAP_S = 3600.0
NEXT = ".next"
"""Ending of the name under which a successor lies in the module."""

log = structlog.get_logger("corehost.keys")


class PinOpener(Protocol):
    """What the desk needs of the security module."""

    def open_pin(self, key: str, block: bytes, card: CardNumber, form: PinFormat) -> Secret:
        """See `IssuerModule.open_pin`."""
        ...


class KeyChangeRefused(Exception):  # noqa: N818 - reads as what it is
    """A key that cannot be changed; says why."""


@dataclass(frozen=True, slots=True)
class Successor:
    """A key that waits: its TR-31 block and check value, and whether the host made it."""

    block: str
    check: str
    ours: bool


class KeyDesk:
    """Implements `Mac` and `PinOpener` over the bank's own module."""

    def __init__(
        self, module: Module, profile: Profile, overlap_s: float = DEFAULT_OVERLAP_S
    ) -> None:
        self._module = module
        self._names = KeyNames.of(profile.name)
        self._map = profile.key_change
        self.overlap_s = overlap_s
        self.changed: Callable[[], None] = lambda: None
        """Called when a successor has become current: its overlap begins."""
        self._waiting: dict[str, Successor] = {}

    # Mac and PinOpener

    def compute(self, data: bytes) -> bytes:
        """The MAC under the current key."""
        return self._module.mac(self._names.mac, data)

    def verify(self, data: bytes, mac: bytes) -> bool:
        """Under the current key, one in its overlap, or a successor, which that proves."""
        key = self._names.mac
        if self._module.verify_mac(key, data, mac):
            return True
        if key not in self._waiting or not self._module.verify_mac(_next(key), data, mac):
            return False
        self.proved(key)
        return True

    def open_pin(self, key: str, block: bytes, card: CardNumber, form: PinFormat) -> Secret:
        """The same for a PIN block; raises `PinBlockError` where none of the keys opens it."""
        try:
            return self._module.open_pin(key, block, card, form)
        except PinBlockError:
            if key not in self._waiting:
                raise
        pin = self._module.open_pin(_next(key), block, card, form)
        self.proved(key)
        return pin

    # Key exchange

    @property
    def check_name(self) -> str:
        """Name of the subfield that carries a check value."""
        return self._map.check if self._map is not None else ""

    def named(self, word: str) -> str:
        """The module's name of `mak` or `zpk`; raises `KeyChangeRefused`."""
        found = {"mak": self._names.mac, "zpk": self._names.pin}.get(word)
        if found is None:
            raise KeyChangeRefused(f"{word!r} is no key that changes; mak and zpk are")
        return found

    def offer(self, word: str) -> tuple[int, Mapping[str, str]]:
        """A successor of `mak` or `zpk`: the field that carries it, and its subfields.

        One that waits for an answer is offered again. Raises `KeyChangeRefused` (also while a key
        of the gateway's waits for its first message) or `SecurityModuleError`.
        """
        shape, key = self._shape(), self.named(word)
        successor = self._waiting.get(key) or self._make(key)
        if not successor.ours:
            raise KeyChangeRefused(f"the gateway is changing {key}; wait for its first message")
        self._waiting[key] = successor
        host_word = next((host for host, ours in shape.keys.items() if ours == word), word)
        subs = {shape.name: host_word, shape.block: successor.block, shape.check: successor.check}
        return shape.carrier, subs

    def _shape(self) -> KeyChangeMap:
        if self._map is None:
            raise KeyChangeRefused("the profile has no section key_change")
        return self._map

    def _make(self, key: str) -> Successor:
        spec = KeySpec(_next(key), self._usage(key), self._current(key).spec.algorithm, True)
        made = self._module.generate(spec, rotate=self._known(spec.name))
        block = self._module.export_key(spec.name, self._names.transport)
        return Successor(block, made.kcv, ours=True)

    def answer(self, order: Order) -> Answer:
        """A gateway's own 0800/101: the key in its block, or without one, a key of the host's.

        63 where the block does not open, the check value differs or the key was in use before; 12
        for a key nobody knows. The answer tells the check value of what was taken.
        """
        try:
            shape = self._shape()
            word = shape.keys.get(order.sub(shape.carrier, shape.name), "")
            key, block = self.named(word), order.sub(shape.carrier, shape.block)
            if block:
                check = self._take(key, block, order.sub(shape.carrier, shape.check))
                return Answer(OK, subs={shape.carrier: {shape.check: check}})
            carrier, subs = self.offer(word)
        except KeyChangeRefused as refusal:
            log.warning("key_change_refused", why=str(refusal))
            return Answer(NO_SUCH_KEY)
        except SecurityModuleError as error:
            log.warning("key_refused", why=str(error))
            return Answer(NOT_AUTHENTIC)
        return Answer(OK, subs={carrier: subs})

    def _take(self, key: str, block: str, check: str) -> str:
        """Let the key in the block wait; its check value. Raises `SecurityModuleError`."""
        under, name = self._names.transport, _next(key)
        seen = self._module.inspect_block(key, self._usage(key), block, under)
        if check and check.upper() != seen.kcv:
            raise KeyRefusedError(f"the check value of {key} is not that of the key in the block")
        current, waiting = self._current(key), self._waiting.get(key)
        if seen.kcv == current.kcv or (waiting is not None and waiting.check == seen.kcv):
            return seen.kcv  # asked again
        if any(seen.kcv == info.kcv for info in self._versions(key)):
            raise KeyRefusedError(f"the block has a {key} that was in use before")
        if seen.spec.algorithm is not current.spec.algorithm:
            raise KeyRefusedError(f"{key} is a key of {current.spec.algorithm}")
        self._module.import_key(name, self._usage(key), block, under, rotate=self._known(name))
        self._waiting[key] = Successor(block, seen.kcv, ours=False)
        if key == self._names.pin:
            # The host only opens with it, and goes on opening with the one before.
            self.proved(key)
        return seen.kcv

    def answered(self, key: str, code: str, check: str) -> None:
        """The other side's answer to what was offered; raises `KeyChangeRefused`.

        00 alone proves nothing: many a gateway says it to every network message. With the right
        check value it does; without one, the first message under the new key will.
        """
        successor = self._waiting.get(key)
        if successor is None:
            return  # a message under it came before the answer
        if code != OK:
            self.refused(key)
            raise KeyChangeRefused(f"the gateway answered {code}; the key before stays")
        if check.upper() == successor.check:
            self.proved(key)
        elif check:
            self.refused(key)
            raise KeyChangeRefused("the gateway made another check value; the key before stays")

    def waits(self, key: str) -> bool:
        """Whether a successor of it waits for proof."""
        return key in self._waiting

    def proved(self, key: str) -> None:
        """The other side has the successor: it is current from now on."""
        successor = self._waiting.get(key)
        if successor is None:
            return
        usage, under = self._usage(key), self._names.transport
        try:
            info = self._module.import_key(key, usage, successor.block, under, rotate=True)
            self._module.discard(_next(key))
        except (SecurityModuleError, OSError) as error:
            # It goes on waiting, where it verifies and opens; the next proof tries again.
            log.error("key_not_taken", key=key, why=str(error))
            return
        del self._waiting[key]
        log.info("key_changed", key=key, version=info.version, check_value=info.kcv)
        self.changed()

    def refused(self, key: str) -> None:
        """The other side will not have it: the current key stays."""
        if self._waiting.pop(key, None) is not None:
            self._module.discard(_next(key))

    def retire(self, now: datetime) -> None:
        """Destroy what the overlap is over for."""
        for key in (self._names.mac, self._names.pin):
            if now.timestamp() - self._current(key).made < self.overlap_s:
                continue
            for info in self._versions(key):
                if info.state is KeyState.PREVIOUS:
                    self._module.retire(key, info.version)
                    log.info("key_retired", key=key, version=info.version)

    def check_value(self, key: str) -> str:
        """The current version's check value."""
        return self._module.check_value(key)

    def _current(self, key: str) -> KeyInfo:
        return next(i for i in self._versions(key) if i.state is KeyState.CURRENT)

    def _versions(self, name: str) -> list[KeyInfo]:
        return [info for info in self._module.list_keys() if info.spec.name == name]

    def _known(self, name: str) -> bool:
        return bool(self._versions(name))

    def _usage(self, key: str) -> Usage:
        return Usage.MAC if key == self._names.mac else Usage.PIN_OPEN


def _next(key: str) -> str:
    return key + NEXT
