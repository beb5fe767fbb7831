"""A newcomer: knows no keys, listens to what is said, presses what sounds like what he wants.

At each menu he takes the choice whose words have the word he has in mind; where none has, one of
the ways that people try first (`USUAL`). Asked to enter something, he enters it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core_adapters.corehost.seed import SeedCard
from support.quiet_line import Call
from telebank.flow.keymap import key_names
from transactions.request import Language

USUAL: Mapping[Language, Sequence[str]] = {
    "zh": ("账户业务", "账户查询"),
    "en": ("your accounts", "balances and transactions"),
}
ENTRIES: Mapping[Language, Mapping[str, str]] = {
    "zh": {"密码，按井号键": "PIN", "卡号，按井号键": "CARD", "证件号码": "IDENTITY"},
    "en": {"PIN, then": "PIN", "card number, then": "CARD", "identity number": "IDENTITY"},
}
MENUS_MOST = 3
"""Menus that he hears out after the first one before he gives up."""


@dataclass
class Newcomer:
    """One who wants something, `words` in the language that he hears."""

    call: Call
    language: Language
    words: Sequence[str]
    who: SeedCard
    menus: int = 0
    keys: list[str] = field(default_factory=list)
    _heard: int = 0

    async def find(self, services: Sequence[str]) -> bool:
        """Go on until one of the services (or texts in quotation marks) was had; false where that
        takes too many menus or nothing sounds right."""
        await self.call.dial(["1" if self.language == "zh" else "2"])
        while not self._had(services):
            await self.call.listen()
            if self._had(services):
                return True
            key = self._answer()
            if not key or self.menus > MENUS_MOST + 1:
                return False
            await self.call.press(key)
        return True

    def _had(self, services: Sequence[str]) -> bool:
        asked = [service for service, _ in self.call.asked]
        return any(one in asked or one.strip("“”") in self.call.prompts for one in services)

    def _answer(self) -> str:
        """What he presses after what he just heard; nothing where he does not know."""
        said = " ".join(self.call.said[self._heard :])
        self._heard = len(self.call.said)
        for asked, name in ENTRIES[self.language].items():
            if asked in said:
                entries = {"CARD": f"{self.who.card}#", "PIN": f"{self.who.pin}#"}
                return {**entries, "IDENTITY": self.who.identity}[name]
        self.menus += 1
        names = {
            key: name.lower()
            for key, name in key_names(said, self.language).items()
            if key.isdecimal() and key != "0"
        }
        for word in (*self.words, *USUAL[self.language]):
            (*fit,) = [key for key, name in names.items() if word.lower() in name]
            if fit:
                self.keys.append(fit[0])
                return fit[0] if len(fit) == 1 else ""
        return ""
