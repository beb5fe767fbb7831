"""Services of what a customer sets for his calls: pace of speech and keys, what is heard first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from telebank.customers.asked import Asked, Handler, Run
from telebank.store import habits as jobs
from transactions.outcome import Approved, Declined, Outcome

CHOICES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "speed": ("normal", "slow"),
        "patience": ("normal", "long", "relay"),
        "greeting": ("none", "card", "savings"),
    }
)
"""What may be set, and to what; the first is the default."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The handlers."""

    run: Run

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {"settings.get": self.get, "settings.set": self.set}

    async def get(self, asked: Asked) -> Outcome:
        """All of them; what an older release took and this one does not is the default."""
        kept: Mapping[str, str] = await self.run(partial(jobs.settings, customer=asked.customer))
        return Approved({what: _known(what, kept.get(what)) for what in CHOICES})

    async def set(self, asked: Asked) -> Outcome:
        """Set one."""
        what, value = asked.text("what"), asked.text("value")
        if value not in CHOICES.get(what, ()):
            return Declined("refused")
        await self.run(partial(jobs.put, by=asked.by, what=what, value=value))
        return Approved()


def _known(what: str, value: str | None) -> str:
    return value if value is not None and value in CHOICES[what] else CHOICES[what][0]
