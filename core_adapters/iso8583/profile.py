"""A host's profile: fields, services, codes, matching, reversals, as config/hosts/*.yaml says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core_adapters.iso8583.format.fields import FieldSpec, WireOptions
from core_adapters.iso8583.format.framing import FrameOptions
from core_adapters.iso8583.format.mac import MacAlgorithm
from core_adapters.iso8583.format.templates import ReplySource, Template

CodeClass = Literal[
    "success", "decline", "credential", "card", "alarm", "cutover", "duplicate", "unknown"
]
CODE_CLASSES = (
    "success",
    "decline",
    "credential",
    "card",
    "alarm",
    "cutover",
    "duplicate",
    "unknown",
)


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """What a value of field 39 means."""

    code: str
    kind: CodeClass
    reason: str
    listed: bool = True
    """False for a code that the profile does not have."""


@dataclass(frozen=True, slots=True)
class AdviceMap:
    """How a stored request travels once it is older than `after_s` seconds."""

    mti: str
    repeat_mti: str
    after_s: float


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """One service's message and what its reply gives."""

    name: str
    version: int
    mti: str
    processing_code: str
    timeout_s: float
    request: Mapping[int, Template]
    reply: Mapping[str, ReplySource]
    codes: Mapping[str, CodeMeaning] = field(default_factory=dict)
    repeat_mti: str = ""
    advice: AdviceMap | None = None
    place: str = ""
    """file:line:column, for complaints."""


@dataclass(frozen=True, slots=True)
class MatchRule:
    """Fields that make a reply ours (`key`) and fields that must then be the same (`agree`)."""

    key: tuple[int, ...]
    agree: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NetworkMap:
    """Network management: its message, and field 70 of each act."""

    mti: str
    request: Mapping[int, Template]
    sign_on: str
    sign_off: str
    key_change: str
    cut_over: str
    echo: str


@dataclass(frozen=True, slots=True)
class KeyChangeMap:
    """Key exchange (field 70 = 101): a TR-31 key block in subfields of one field, either way.

    `keys` gives the host's word for a key to ours: {"MAK": "mak", "ZPK": "zpk"}.
    """

    carrier: int
    name: str
    block: str
    check: str
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TotalsMap:
    """Totals (0500): asked once a currency; figure (`debits.count`, `debits.amount` …, `fees`) to
    field of the answer. None has a sign: `fees_returned` (absent: nothing) is taken from `fees`."""

    mti: str
    timeout_s: float
    currencies: tuple[str, ...]
    """ISO 4217 codes."""
    request: Mapping[int, Template]
    """May use @settlement_date (MMDD) and @currency (number) beside the words of a message."""
    reply: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ReversalMap:
    """The reversal: what it keeps of its original and how the host answers it."""

    mti: str
    repeat_mti: str
    keep: tuple[int, ...]
    request: Mapping[int, Template]
    stan: Literal["original", "new"]
    reasons: Mapping[str, str]
    default_reason: str
    late_window_s: float
    tombstones: bool
    duplicate_is_reversed: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that makes one host different from another."""

    name: str
    version: int
    test: bool
    wire: WireOptions
    frame: FrameOptions
    mac: MacAlgorithm
    mac_exempt: frozenset[str]
    fields: Mapping[int, FieldSpec]
    balances: Mapping[str, str]
    common: Mapping[int, Template]
    services: Mapping[str, ServiceMap]
    codes: Mapping[str, CodeMeaning]
    match: Mapping[str, MatchRule]
    network: NetworkMap
    reversal: ReversalMap
    pin_format: int = 0
    """PIN block format of ISO 9564-1: 0, 3 or 4."""
    edition: int = 1987
    key_change: KeyChangeMap | None = None
    totals: TotalsMap | None = None
    host_file: Mapping[str, Any] | None = None
    """Section `host_file` as read: the columns of the host's daily file; core_adapters.hostfile."""
    bin_digits: int = 6
    """Leading digits of a card number that may be shown: 6 or 8."""

    def meaning(self, code: str, service: str | None = None) -> CodeMeaning:
        """The meaning of field 39, the service's own first; unlisted codes are unknown."""
        own = self.services[service].codes if service is not None else {}
        found = own.get(code) or self.codes.get(code)
        return found or CodeMeaning(code, "unknown", "unlisted", listed=False)

    def match_rule(self, mti: str, processing_code: str = "") -> MatchRule:
        """The most particular rule: MTI and processing code, MTI, default."""
        for key in (f"{mti}/{processing_code}", mti):
            if key in self.match:
                return self.match[key]
        return self.match["default"]

    def service_of(self, mti: str, processing_code: str | None) -> ServiceMap | None:
        """The service that a request's MTI and field 3 name (repeats and advice too)."""
        for service in self.services.values():
            mtis = {service.mti, service.repeat_mti}
            if service.advice is not None:
                mtis |= {service.advice.mti, service.advice.repeat_mti}
            if mti in mtis and (service.processing_code or None) == processing_code:
                return service
        return None
