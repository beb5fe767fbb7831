"""Totals of a business date (0500 and 0510): asked once a currency, through the normal matching."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import date

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.iso8583.build import Builder, Stamp
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.links.driver import Driver
from core_adapters.iso8583.links.driver_types import CODE, NoReply, Refusal
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import Profile, TotalsMap
from transactions.clock import Clock
from transactions.money import Currency, currency
from transactions.ports import (
    CurrencyTotals,
    HostTotals,
    Tally,
    TotalsUnavailable,
    Unsupported,
)

APPROVED = "00"
MAX_STAN = 999_999
RETURNED = "fees_returned"
REFERENCE = ""
"""A request for totals is no request of a customer and has no field 37 of its own."""


class OwnStans:
    """STANs where there is no journal (tools, tests): from a chance start, so that two runs within
    one second of field 7 hardly meet."""

    def __init__(self) -> None:
        self._last = secrets.randbelow(MAX_STAN)

    async def next_stan(self) -> str:
        """Six digits, never zero."""
        self._last = self._last % MAX_STAN + 1
        return f"{self._last:06d}"


class Totals:
    """Asks one host. Two dates may be asked for at once."""

    def __init__(
        self,
        profile: Profile,
        builder: Builder,
        driver: Driver,
        *,
        options: Iso8583Options,
        clock: Clock,
        next_stan: Callable[[], Awaitable[str]],
    ) -> None:
        self._profile = profile
        self._builder = builder
        self._driver = driver
        self._options = options
        self._clock = clock
        self._next_stan = next_stan

    async def of(self, day: date) -> HostTotals:
        """Every currency's; raises `Unsupported` or `TotalsUnavailable`, naming the currency."""
        rules = self._profile.totals
        if rules is None:
            raise Unsupported(f"profile {self._profile.name} has no section `totals`")
        found = {code: await self._one(rules, day, currency(code)) for code in rules.currencies}
        return HostTotals(day, found)

    async def _one(self, rules: TotalsMap, day: date, unit: Currency) -> CurrencyTotals:
        stamp = Stamp.fresh(await self._next_stan(), self._clock.now(), self._options, REFERENCE)
        try:
            message = self._builder.totals(rules, stamp, day, unit)
            reply = await self._ask(message, rules.timeout_s)
        except (EncodeError, SecurityModuleError) as error:
            raise TotalsUnavailable(f"totals in {unit.code} cannot be asked for: {error}") from None
        if not isinstance(reply, Message):
            raise TotalsUnavailable(f"totals in {unit.code}: {reply.reason}; ask again later")
        code = reply.get(CODE) or ""
        if code != APPROVED:
            raise TotalsUnavailable(f"totals in {unit.code}: the host answered {code or 'no code'}")
        return _read(rules, reply)

    async def _ask(self, message: Message, timeout_s: float) -> Message | NoReply | Refusal:
        """No row of the journal: nothing is moved, and nothing is owed where no answer comes."""
        place = self._driver.admit(message, timeout_s, urgent=False)
        if isinstance(place, Refusal):
            return place
        try:
            return await self._driver.send(place)
        finally:
            self._driver.leave(place)


def _read(rules: TotalsMap, reply: Message) -> CurrencyTotals:
    """Raises `TotalsUnavailable` naming the field where a figure is missing or none."""

    def tally(name: str) -> Tally:
        count = _figure(rules, reply, f"{name}.count")
        return Tally(count, _figure(rules, reply, f"{name}.amount"))

    return CurrencyTotals(
        debits=tally("debits"),
        debit_reversals=tally("debit_reversals"),
        credits=tally("credits"),
        credit_reversals=tally("credit_reversals"),
        fees=_figure(rules, reply, "fees") - _surplus(rules, reply),
    )


def _surplus(rules: TotalsMap, reply: Message) -> int:
    """Fees given back beyond those taken (field 82): only days that have some need tell them."""
    number = rules.reply.get(RETURNED)
    return 0 if number is None or number not in reply.fields else _figure(rules, reply, RETURNED)


def _figure(rules: TotalsMap, reply: Message, name: str) -> int:
    """A figure that the profile does not have is nothing; one that the reply lacks is an error."""
    number = rules.reply.get(name)
    if number is None:
        return 0
    text = (reply.get(number) or "").strip()
    if not (text.isascii() and text.isdigit()):
        raise TotalsUnavailable(f"the answer's field {number} ({name}) is missing or no number")
    return int(text)
