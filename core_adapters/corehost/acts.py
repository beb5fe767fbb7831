"""What a command may have a running host do."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.calendar import CutOverRefused
from core_adapters.corehost.control import Act, ControlError
from core_adapters.corehost.hall import Hall
from core_adapters.corehost.keydesk import KeyChangeRefused, KeyDesk
from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.iso8583.errors import DecodeError

CUT_OVER, KEY_CHANGE = "cut-over", "key-change"


class Acts:
    """Cut-over and key exchange on one hall."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    def table(self) -> Mapping[str, Act]:
        """By name, for the control socket."""
        return MappingProxyType({CUT_OVER: self.cut_over, KEY_CHANGE: self.key_change})

    async def cut_over(self, _words: Mapping[str, str]) -> Mapping[str, Any]:
        """Begin the next business date and tell every line."""
        if self._hall.day is None:
            raise ControlError("this host has no ledger, and so no business date to move")
        day = self._hall.day.cut_over(self._hall.clock())
        if isinstance(day, CutOverRefused):
            raise ControlError(str(day))
        told = sum(line.signed_on for line in self._hall.lines)
        self._hall.look_at_date()
        return {"business_date": day.isoformat(), "connections_told": told}

    async def key_change(self, words: Mapping[str, str]) -> Mapping[str, Any]:
        """Give the gateway a new key (0800/101); tells its name, the check value of the current
        version, and whether the new one still waits for proof."""
        keys = self._hall.keys
        if keys is None:
            raise ControlError("this host changes no keys")
        try:
            key = keys.named(words.get("key", ""))
            carrier, subs = keys.offer(words["key"])
        except (KeyChangeRefused, SecurityModuleError) as error:
            raise ControlError(str(error)) from error
        await self._offered(keys, key, self._hall.codec.join(carrier, subs), carrier)
        return {"key": key, "check_value": keys.check_value(key), "waits": keys.waits(key)}

    async def _offered(self, keys: KeyDesk, key: str, carried: str, carrier: int) -> None:
        hall = self._hall
        line = next((line for line in hall.lines if line.signed_on), None)
        if line is None:
            raise ControlError("no gateway is signed on; nothing was changed")
        code = hall.codec.profile.network.key_change
        reply = await hall.outgoing.ask(line, code, {carrier: carried}, hall.options.network_s)
        if reply is None:
            raise ControlError(
                "the gateway did not answer; the new key waits, and is taken as soon as a message "
                "under it comes. The same command offers it again"
            )
        try:
            subs = hall.codec.subfields(reply, carrier)
            keys.answered(key, reply.get(39) or "", subs.get(keys.check_name, ""))
        except (KeyChangeRefused, DecodeError) as error:
            raise ControlError(str(error)) from error
