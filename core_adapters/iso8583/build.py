"""Builds messages from the profile's templates: requests, their repeats, reversals, network."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType

from core_adapters.hsm.kinds import PinFormat
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.format.templates import Constant, Input, Known, Source, Template
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import ServiceMap, TotalsMap
from core_adapters.iso8583.values import CURRENCY, field_text, part_text, subfield_text
from transactions.card import CardNumber, CardVault, SealedCard
from transactions.hot_list import EXPIRY
from transactions.money import Currency, Money
from transactions.outcome import Value
from transactions.request import HostMessage, Request
from transactions.secret import Secret

CARD, PIN_BLOCK, ENTRY_MODE, ACCEPTOR_FIELDS = 2, 52, 22, (41, 42)
WITH_PIN, WITHOUT_PIN = "011", "012"
MAX_CALL_REFERENCE = 32
NONE_OPTIONAL: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stamp:
    """Numbers and times of one message; a repeat or reversal has its original's.

    `at` gives fields 12 and 13, on the bank's wall clock (`utc_offset_minutes`).
    """

    stan: str
    field7: str
    at: datetime
    terminal: str
    acquirer: str
    reference: str

    @classmethod
    def fresh(cls, stan: str, now: datetime, options: Iso8583Options, reference: str) -> "Stamp":
        """For a message that is sent for the first time at `now` (UTC)."""
        field7 = now.astimezone(UTC).strftime("%m%d%H%M%S")
        terminal = options.terminal.ljust(8)
        return cls(stan, field7, now, terminal, options.acquirer, reference.zfill(12))

    @classmethod
    def of(cls, sent: HostMessage) -> "Stamp":
        """What a message already sent carried."""
        at = sent.sent_at if sent.sent_at.tzinfo else sent.sent_at.replace(tzinfo=UTC)
        return cls(sent.stan, sent.field7, at, sent.field41, sent.field32, sent.field37)


class Builder:
    """Turns requests into messages. PINs go to the security module and come back as PIN blocks."""

    def __init__(
        self,
        codec: Codec,
        options: Iso8583Options,
        module: SecurityModule,
        pin_key: str,
        vault: CardVault | None,
        *,
        optional: Mapping[str, frozenset[str]] = NONE_OPTIONAL,
    ) -> None:
        """`optional` names, by service, what a request may lack; what would be made of it is left
        out of the message."""
        self._codec = codec
        self._profile = codec.profile
        self._options = options
        self._module = module
        self._pin_key = pin_key
        self._vault = vault
        self._optional = optional

    def request(self, service: ServiceMap, request: Request, stamp: Stamp, mti: str) -> Message:
        """The message of a service; a file update keeps its request's own time (rule 16)."""
        templates = {**self._profile.common, **service.request}
        if service.advice is not None and request.created_at is not None:
            stamp = _at(stamp, request.created_at)
        return Message(
            mti, self._fields(templates, request, self._known(templates, request, stamp))
        )

    def reversal(
        self, service: ServiceMap, original: Request, sent: HostMessage, stamp: Stamp, reason: str
    ) -> Message:
        """0420: the original's fields that the profile keeps, then 39 and 90. Never a PIN."""
        rules = self._profile.reversal
        every = {**self._profile.common, **service.request}
        kept = {number: template for number, template in every.items() if number in rules.keep}
        known = self._known(every, original, stamp)
        known["reason"] = lambda: rules.reasons.get(reason, rules.default_reason)
        known["original"] = lambda: original_data(sent)
        templates = {**kept, **rules.request}
        fields = dict(self._fields(templates, original, known))
        return Message(rules.mti, MappingProxyType(fields))

    def totals(self, rules: TotalsMap, stamp: Stamp, day: date, unit: Currency) -> Message:
        """0500 for one business date and currency."""
        known = _stamped(stamp, self._options) | {
            "settlement_date": lambda: f"{day:%m%d}",
            "currency": lambda: unit.number,
        }
        return Message(rules.mti, self._fields(rules.request, None, known))

    def network(self, code: str, stan: str, now: datetime) -> Message:
        """0800 with this field 70."""
        stamp = Stamp.fresh(stan, now, self._options, "")
        known = _stamped(stamp, self._options) | {"network_code": lambda: code}
        return Message(
            self._profile.network.mti, self._fields(self._profile.network.request, None, known)
        )

    def _known(
        self, templates: Mapping[int, Template], request: Request, stamp: Stamp
    ) -> dict[str, Callable[[], str]]:
        pin = PIN_BLOCK in templates
        return _stamped(stamp, self._options) | {
            "entry_mode": lambda: WITH_PIN if pin else WITHOUT_PIN,
            "channel": lambda: request.channel,
            "call": lambda: (request.call or "")[:MAX_CALL_REFERENCE],
            "auth": lambda: str(request.auth),
            "language": lambda: request.language,
            "expiry": lambda: _expiry(request),
        }

    def _fields(
        self,
        templates: Mapping[int, Template],
        request: Request | None,
        known: Mapping[str, Callable[[], str]],
    ) -> Mapping[int, str]:
        fields: dict[int, str] = {}
        if request is not None:
            self._one_currency(templates, request, known)
        for number in sorted(templates):
            template = templates[number]
            if isinstance(template, Mapping):
                parts = {n: self._text(number, s, request, known, n) for n, s in template.items()}
                text = self._codec.join(number, {n: part for n, part in parts.items() if part})
            else:
                text = self._text(number, template, request, known)
            if text:
                fields[number] = text
        return MappingProxyType(fields)

    def _one_currency(
        self,
        templates: Mapping[int, Template],
        request: Request,
        known: Mapping[str, Callable[[], str]],
    ) -> None:
        """Money without a currency of its own is in field 49's, and never negative: the bank reads
        it so, whatever the caller heard. `$name.full` says its own."""
        held = templates.get(CURRENCY)
        unit = ""
        if isinstance(held, Input | Known | Constant):
            unit = self._text(CURRENCY, held, request, known)
        for path, source in _sources(templates):
            if not isinstance(source, Input) or source.part:
                continue
            value = request.inputs.get(source.name)
            if not isinstance(value, Money):
                continue
            if value.minor < 0:
                raise EncodeError(path, "an amount to send is never negative")
            if unit and value.currency.number != unit:
                raise EncodeError(path, "an amount in another currency than field 49 says")

    def _text(
        self,
        number: int,
        source: Source,
        request: Request | None,
        known: Mapping[str, Callable[[], str]],
        part: str = "",
    ) -> str:
        match source:
            case Constant(text=text):
                return text
            case Known(word=word):
                if word not in known:
                    raise EncodeError(str(number), f"@{word} is not known for this message")
                return known[word]()
            case Input():
                return self._input(number, source, request, part)

    def _input(self, number: int, source: Input, request: Request | None, part: str) -> str:
        value = request.inputs.get(source.name) if request is not None else None
        if request is None or value is None:
            if request is not None and source.name in self._optional.get(request.service, ()):
                return ""
            raise EncodeError(str(number), f"input {source.name!r} is missing from the request")
        if source.part:
            return part_text(number, value, source.part)
        if isinstance(value, Secret):
            return self._pin(number, value, request, part)
        spec = self._codec.profile.fields[number]
        if spec.tags:
            return subfield_text(number, self._clear(value))
        return field_text(spec, self._clear(value))

    def _pin(self, number: int, pin: Secret, request: Request, part: str) -> str:
        """The PIN block in hexadecimal; a PIN change has its second in a subfield."""
        if number != PIN_BLOCK and not self._holds_pin_block(number, part):
            raise EncodeError(
                f"{number}.{part}" if part else str(number),
                "a secret travels as a PIN block, in field 52 or a tag that `holds: pin_block`",
            )
        service = self._profile.services[request.service]
        card = service.request.get(CARD)
        if not isinstance(card, Input):
            raise EncodeError(str(number), "a PIN block needs the card of field 2")
        value = self._clear(request.inputs[card.name])
        if not isinstance(value, CardNumber):
            raise EncodeError(str(number), "a PIN block needs the card of field 2")
        form = PinFormat(self._profile.pin_format)
        return self._module.pin_block(self._pin_key, pin, value, form).hex().upper()

    def _holds_pin_block(self, number: int, part: str) -> bool:
        tag = self._profile.fields[number].part(part)
        return tag is not None and tag.holds == "pin_block"

    def _clear(self, value: Value) -> Value:
        if not isinstance(value, SealedCard):
            return value
        if self._vault is None:
            raise EncodeError("2", "a sealed card needs the vault to open it")
        return self._vault.unseal(value)


def _sources(templates: Mapping[int, Template]) -> Iterator[tuple[str, Source]]:
    """Every source with the path of its field, for complaints."""
    for number, template in templates.items():
        if isinstance(template, Mapping):
            yield from ((f"{number}.{part}", source) for part, source in template.items())
        else:
            yield str(number), template


def _expiry(request: Request) -> str:
    """Field 73: the last day of a report, YYMMDD; absent where it holds for good."""
    until = request.inputs.get(EXPIRY)
    return f"{until:%y%m%d}" if isinstance(until, date) else ""


def _at(stamp: Stamp, at: datetime) -> Stamp:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Stamp(stamp.stan, stamp.field7, aware, stamp.terminal, stamp.acquirer, stamp.reference)


def _stamped(stamp: Stamp, options: Iso8583Options) -> dict[str, Callable[[], str]]:
    return {
        "utc": lambda: stamp.field7,
        "stan": lambda: stamp.stan,
        "time": lambda: stamp.at.astimezone(options.zone).strftime("%H%M%S"),
        "date": lambda: stamp.at.astimezone(options.zone).strftime("%m%d"),
        "acquirer": lambda: stamp.acquirer,
        "reference": lambda: stamp.reference,
        "terminal": lambda: stamp.terminal,
        "merchant": lambda: options.merchant.ljust(15),
    }


def original_data(sent: HostMessage) -> str:
    """Field 90: MTI 4, STAN 6, field 7 (10), acquirer 11, forwarder 11 (zero: none here)."""
    return f"{sent.mti}{sent.stan}{sent.field7}{sent.field32.zfill(11)}{'0' * 11}"
