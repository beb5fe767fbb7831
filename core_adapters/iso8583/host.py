"""The port `HostAdapter` over ISO 8583: what the processor talks to.

Each call takes a place at the multiplexer first, then makes the message's row durable, then sends.
Before the row is durable an obstacle is `NotSent`; from then on the journal says SENT, and the end
is an answer or `Unknown`.
"""

import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date

from core_adapters.hsm.errors import PinBlockError, SecurityModuleError
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.build import Builder, Stamp
from core_adapters.iso8583.checks import check_services
from core_adapters.iso8583.clock import SystemClock
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.day import BusinessDay
from core_adapters.iso8583.dialects import Dialect, Dialects
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host_types import Alarm, HostEvents, LateReply
from core_adapters.iso8583.keys.change_types import KeyEvent
from core_adapters.iso8583.keys.names import KeyNames, check_keys
from core_adapters.iso8583.keys.office import KeyOffice
from core_adapters.iso8583.links.alarms import FrameAlarms
from core_adapters.iso8583.links.driver import Driver
from core_adapters.iso8583.links.driver_types import DriverEvents, NoReply, Refusal, take_note
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import Profile, ReversalMap, ServiceMap
from core_adapters.iso8583.replies import CODE, judge_reversal
from core_adapters.iso8583.rows import first_mti, message_row, repeat_mti
from core_adapters.iso8583.totals import OwnStans, Totals
from core_adapters.iso8583.values import CURRENCY, nearest_date
from core_adapters.tap import Tap
from core_adapters.terms import optional_terms
from transactions.card import CardNumberError, CardVault
from transactions.clock import Clock
from transactions.contract import Contracts
from transactions.outcome import NotSent, Outcome, Unknown
from transactions.ports import (
    IMPOSSIBLE,
    RELEASE,
    Health,
    HostTotals,
    MessageLog,
    ReversalImpossible,
    ReversalOutcome,
    ReversalUnanswered,
    Unsupported,
)
from transactions.request import HostMessage, MessageRole, Request

SETTLEMENT_DATE, NETWORK_CODE = 15, 70
BUILD_ERRORS = (EncodeError, SecurityModuleError, CardNumberError)
"""Why a message cannot be made: the profile, the keys or the PIN, the card."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is kept of a message given up, to judge its late reply. No secret, no card."""

    row: HostMessage
    service: str
    unit: str
    dialect: Dialect


class Iso8583Host:
    """A core host reached by one profile. `await start()`, then any number of calls at once."""

    def __init__(
        self,
        profile: Profile,
        contracts: Contracts,
        module: SecurityModule,
        options: Iso8583Options,
        *,
        key_names: KeyNames | None = None,
        events: HostEvents | None = None,
        vault: CardVault | None = None,
        clock: Clock | None = None,
        chance: random.Random | None = None,
        tap: Tap | None = None,
        next_stan: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """`key_names` (default: by the profile's name), `clock` (the one that deadlines are in),
        `chance` (of reconnections), `tap` (who watches the frames) and `next_stan` (for what is no
        request: totals; a node gives its journal's, so that no STAN comes twice) may be given.

        Raises `SecurityModuleError` where the module has not the keys that the profile needs."""
        names = key_names or KeyNames.of(profile.name)
        check_keys(module, names, profile)
        self._options = options
        self._events = events or HostEvents()
        self._clock = clock or SystemClock()
        self._frame_alarms = FrameAlarms(options.alarms_a_second, self._clock, self._alarm)
        self._day = BusinessDay(options.zone, self._clock, self._frame_alarms)
        self._given_up: OrderedDict[int, _Sent] = OrderedDict()

        def dialect(profile: Profile, contracts: Contracts) -> Dialect:
            check_services(profile, contracts)
            codec, optional = Codec(profile), optional_terms(contracts)
            builder = Builder(codec, options, module, names.pin, vault, optional=optional)
            return Dialect(profile, contracts, codec, builder)

        first = dialect(profile, contracts)
        self._network = profile.network
        self._dialects = Dialects(first, dialect)
        self._driver = Driver(
            first.codec,
            first.builder,
            (ModuleMac(module, names.mac, self._reread_keys),),
            options,
            self._driver_events(),
            clock=self._clock,
            chance=chance or random.Random(),  # noqa: S311 - spreads reconnections, hides nothing
            tap=tap,
        )
        self._keys = self._office(first.codec, module, names)
        self._totals = self._ask_totals(first, next_stan or OwnStans().next_stan)

    def _office(self, codec: Codec, module: SecurityModule, names: KeyNames) -> KeyOffice:
        return KeyOffice(
            codec,
            module,
            names,
            overlap_s=self._options.key_overlap_s,
            ask=self._driver.ask_network,
            tell=self._on_key,
            clock=self._clock,
        )

    def _ask_totals(self, first: Dialect, next_stan: Callable[[], Awaitable[str]]) -> Totals:
        return Totals(
            first.profile,
            first.builder,
            self._driver,
            options=self._options,
            clock=self._clock,
            next_stan=next_stan,
        )

    def _driver_events(self) -> DriverEvents:
        return DriverEvents(
            self._on_late,
            self._day.heard,
            self._frame_alarms.raised,
            self._events.link,
            network=self._on_network,
        )

    async def start(self) -> None:
        """Open the links; returns before they are signed on."""
        self._keys.start()
        self._driver.start()

    async def wait_signed_on(self, timeout_s: float) -> bool:
        """Wait until a link is signed on; False where none was in `timeout_s` seconds."""
        return await self._driver.wait_signed_on(timeout_s)

    async def close(self) -> None:
        """Take nothing new, let answers come in, sign off, close the links."""
        await self._keys.close()
        await self._driver.close()
        self._frame_alarms.close()

    def capabilities(self) -> Mapping[str, int]:
        """Services of the profile in force, each with its contract version."""
        return self.serves("")

    def serves(self, release: str) -> Mapping[str, int]:
        """Services of a release's profile, each with its contract version."""
        dialect = self._dialects.of(release)
        services = {} if dialect is None else dialect.profile.services
        return {name: service.version for name, service in services.items()}

    async def learn(self, release: str, profile: Profile, contracts: Contracts) -> str:
        """See `Dialects.learn`."""
        return self._dialects.learn(release, profile, contracts)

    async def use(self, release: str) -> None:
        """See `Dialects.use`."""
        self._dialects.use(release)

    async def stand_in(self, release: str) -> None:
        """See `Dialects.stand_in`."""
        self._dialects.stand_in(release)

    async def forget(self, release: str) -> None:
        """See `Dialects.forget`."""
        self._dialects.forget(release)

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        """Ask the host; see `HostAdapter.execute`.

        `Unknown("duplicate_stan")` is a collision of STANs and must never be reversed (rule 10).
        """
        dialect = self._dialects.of(request.release)
        if dialect is None:
            return NotSent(RELEASE)
        service = dialect.profile.services.get(request.service)
        refusal = self._not_now(request, service)
        if refusal is not None or service is None:
            return NotSent(refusal or "not_served")
        if repeat_of is None:
            now = self._clock.now()
            stan = await log.next_stan()
            stamp = Stamp.fresh(stan, now, self._options, request.reference)
            mti = first_mti(service, request, now)
        else:
            stamp, mti = Stamp.of(repeat_of), repeat_mti(service, repeat_of)
        try:
            message = dialect.builder.request(service, request, stamp, mti)
        except BUILD_ERRORS as error:
            return self._cannot_build(request, error)
        role: MessageRole = "request" if repeat_of is None else "repeat"
        attempt = 0 if repeat_of is None else repeat_of.attempt + 1
        row = message_row(request, role, attempt, message, stamp)
        if repeat_of is not None:
            row = replace(row, sent_at=self._clock.now())
        urgent = service.repeat_mti != ""
        end = await self._exchange(dialect, request, row, message, service, log, urgent=urgent)
        if isinstance(end, Outcome):
            return end
        return self._judge(dialect, service, message, end, request.id)

    async def reverse(  # noqa: PLR0917 - the order of the port
        self,
        original: Request,
        sent: HostMessage,
        reason: str,
        log: MessageLog,
        attempt: int,
        repeat_of: HostMessage | None = None,
    ) -> ReversalOutcome:
        """0420 on attempt 0, 0421 afterwards; identical but for MTI and MAC."""
        dialect = self._dialects.of(original.release)
        service = None if dialect is None else dialect.profile.services.get(original.service)
        if dialect is None or service is None:
            return ReversalImpossible(RELEASE if dialect is None else "not_served")
        if self._driver.stopping or not self._driver.links_ready:
            return ReversalUnanswered(False, "no_link")
        rules = dialect.profile.reversal
        stamp = await self._reversal_stamp(rules, sent, log, repeat_of)
        try:
            message = dialect.builder.reversal(service, original, sent, stamp, reason)
        except BUILD_ERRORS as error:
            return ReversalImpossible(self._cannot_build(original, error).reason)
        if attempt > 0:
            message = message.with_fields(rules.repeat_mti, {})
        row = message_row(original, "reversal", attempt, message, stamp)
        row = replace(row, sent_at=self._clock.now())
        end = await self._exchange(dialect, original, row, message, service, log, urgent=True)
        if isinstance(end, Message):
            return judge_reversal(dialect.profile, end, attempt, self._age(sent))
        if isinstance(end, NotSent) and end.reason in IMPOSSIBLE:
            return ReversalImpossible(end.reason)
        return ReversalUnanswered(isinstance(end, Unknown), end.reason)

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        """This profile's hosts have no status query."""
        name = self._dialects.current.profile.name
        raise Unsupported(f"{name} has no status query; settle it by hand")

    async def health(self) -> Health:
        """Links signed on, without asking the host."""
        return Health(
            self._driver.links_ready,
            len(self._options.link_addresses),
            self._day.known,
            self._driver.in_flight,
        )

    async def reconcile(self, business_date: date) -> HostTotals:
        """The host's totals (0500), each currency of the profile's section `totals`."""
        return await self._totals.of(business_date)

    @property
    def exchanged_keys(self) -> tuple[str, ...]:
        """Names of the keys that `rotate_key` takes."""
        return self._keys.exchanged

    async def rotate_key(self, name: str) -> KeyEvent:
        """Give the host a new key of ours (field 70 = 101); what became of it.

        Raises `LookupError` where this host's profile does not exchange `name`."""
        return await self._keys.rotate(name)

    async def reload_keys(self) -> None:
        """See what another process did to the keys; raises `SecurityModuleError`."""
        self._keys.reload()

    def _reread_keys(self) -> None:
        self._keys.reload()

    def _not_now(self, request: Request, service: ServiceMap | None) -> str | None:
        """Why nothing may be sent at all; the caller hears "not done"."""
        if service is None:
            return "not_served"
        if self._driver.stopping:
            return "stopping"
        if not self._driver.links_ready:
            return "no_link"
        return "deadline" if self._too_late(request, service) else None

    def _cannot_build(self, request: Request, error: Exception) -> NotSent:
        """Nothing went. The texts of these errors name fields and keys, never digits."""
        keys = isinstance(error, SecurityModuleError) and not isinstance(error, PinBlockError)
        kind = "keys" if keys else "profile"
        self._frame_alarms.raised(kind, f"{request.service}: {error}", request.id)
        return NotSent("keys" if keys else "format")

    async def _exchange(  # noqa: PLR0917 - what one message is made of
        self,
        dialect: Dialect,
        request: Request,
        row: HostMessage,
        message: Message,
        service: ServiceMap,
        log: MessageLog,
        *,
        urgent: bool,
    ) -> Message | NotSent | Unknown:
        """Place, row, send, answer. The place is given back however this ends."""
        try:
            place = self._driver.admit(message, service.timeout_s, urgent=urgent)
        except (EncodeError, SecurityModuleError) as error:
            return self._cannot_build(request, error)
        if isinstance(place, Refusal):
            return NotSent(place.reason)
        row = replace(row, link=place.link)
        end: Message | NoReply | None = None
        try:
            await log.sending(row)
            # From now on a late reply may come, even in the segment of one that is no use.
            self._remember(
                place.ticket,
                _Sent(row, service.name, message.get(CURRENCY) or "", dialect),
            )
            if row.role == "request" and self._too_late(request, service):
                # The row took too long; it says SENT, so this is unknown, but nothing goes late.
                return Unknown("deadline")
            began = self._clock.monotonic()
            end = await self._driver.send(place)
            if isinstance(end, Message):
                self._events.answered(place.link, row.stan, self._clock.monotonic() - began)
        finally:
            self._driver.leave(place)
            if isinstance(end, Message):
                self._given_up.pop(place.ticket, None)
        if isinstance(end, NoReply):
            return Unknown(end.reason)
        # The link admitted may have gone while the row was written: `place` has the one it went on.
        await log.answered(self._answered(replace(row, link=place.link), end))
        return end

    async def _reversal_stamp(
        self,
        rules: ReversalMap,
        sent: HostMessage,
        log: MessageLog,
        repeat_of: HostMessage | None,
    ) -> Stamp:
        stamp = Stamp.of(sent)
        if rules.stan == "original":
            return stamp
        # Field 7 stays: the host finds the original by field 90, and a repeat must be the same.
        return replace(stamp, stan=repeat_of.stan if repeat_of else await log.next_stan())

    def _judge(
        self,
        dialect: Dialect,
        service: ServiceMap,
        message: Message,
        reply: Message,
        request_id: str,
    ) -> Outcome:
        judged = dialect.judge(service, message.get(CURRENCY) or "", reply)
        if judged.alarm:
            self._alarm("code", judged.alarm, request_id)
        return judged.outcome

    def _remember(self, ticket: int, sent: _Sent) -> None:
        self._given_up[ticket] = sent
        if len(self._given_up) > self._options.mux.given_up_max:
            self._given_up.popitem(last=False)

    def _on_late(self, ticket: int, reply: Message) -> None:
        sent = self._given_up.pop(ticket, None)
        if sent is None:
            return
        row = self._answered(sent.row, reply)
        if row.role == "reversal":
            # The next repeat asks again and hears the same; nothing is decided by this one.
            self._alarm("late", f"late 0430 with {row.reply39}", row.request_id)
            return
        service = sent.dialect.profile.services[sent.service]
        judged = sent.dialect.judge(service, sent.unit, reply)
        self._events.late(LateReply(row, judged.outcome))

    def _on_network(self, message: Message) -> Mapping[int, str]:
        """The host's own 0800: a key change is judged, the rest is taken note of."""
        if message.get(NETWORK_CODE) == self._network.key_change:
            return self._keys.network(message)
        return take_note(message)

    def _on_key(self, event: KeyEvent) -> None:
        self._events.key(event)
        if event.why:
            self._alarm("keys", f"{event.name or 'key change'}: {event.outcome}: {event.why}")

    def _alarm(self, kind: str, text: str, request_id: str = "") -> None:
        self._events.alarm(Alarm(kind, text, request_id))

    def _too_late(self, request: Request, service: ServiceMap) -> bool:
        """Past its deadline; a stored advice has none (rule 16), and 0 means none."""
        if service.advice is not None or request.deadline <= 0:
            return False
        return self._clock.monotonic() > request.deadline

    def _answered(self, row: HostMessage, reply: Message) -> HostMessage:
        now, text = self._clock.now(), reply.get(SETTLEMENT_DATE)
        day = nearest_date(text, now.astimezone(self._options.zone).date()) if text else None
        return replace(row, reply39=reply.get(CODE), reply_at=now, settled_on=day)

    def _age(self, sent: HostMessage) -> float:
        at = sent.sent_at if sent.sent_at.tzinfo else sent.sent_at.replace(tzinfo=UTC)
        return (self._clock.now() - at).total_seconds()
