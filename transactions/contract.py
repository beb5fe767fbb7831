"""Contracts of banking services: what each takes, gives and does, read from services.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from transactions.hot_list import EXPIRY, TELEPHONE, Decided
from transactions.kinds import Declared, Kind, KindError, RowShape, declared
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Values
from transactions.request import AuthLevel

__all__ = [
    "ContractError",
    "Contracts",
    "Effect",
    "Kind",
    "Recovery",
    "RowShape",
    "Service",
    "Source",
    "load_contracts",
]

SCHEMA = 1
MAX_SERVICES = 500
MAX_FILE_BYTES = 1_000_000

Effect = Literal["read", "state", "money"]
Recovery = Literal["none", "reverse", "repeat", "query", "person"]
Source = Literal["host", "journal"]

STALE = "stale"
"""Exit of a read whose host is away, with what it told last."""
TOLD_ON, TOLD_AT = "as_of", "as_of_time"
"""Date and time, on the bank's wall clock, of what exit `stale` gives."""

MONEY_OUTCOMES = ("ok", "refused", "in_doubt", "not_done")
"""A money service has exactly these exits, in this order."""


class ContractError(ValueError):
    """A contract that cannot stand: file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service's contract; see config/services.yaml for each key's meaning."""

    name: str
    version: int
    inputs: Mapping[str, Kind]
    outputs: Mapping[str, Kind]
    effect: Effect
    recovery: Recovery
    outcomes: tuple[str, ...]
    auth: AuthLevel = AuthLevel.NONE
    customer: str | None = None
    grants: AuthLevel | None = None
    attempts: int | None = None
    quoted_by: str | None = None
    must_read_back: tuple[str, ...] = ()
    guard: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    source: Source = "host"
    hot_lists: str | None = None
    decides: Decided | None = None
    """What it makes of a report of loss on our hot list."""
    channels: tuple[str, ...] = ()
    """Channels that may ask for it; empty: every one."""
    out_on: tuple[str, ...] = ("ok",)
    """Exits that give the outputs; on others they are not set."""
    telephone_pin: str | None = None
    """The input that is the customer's telephone PIN, which may be verified here (rule 17)."""
    replaces_pin: str | None = None
    """The input that is the customer's telephone PIN from now on."""
    last_known: Mapping[str, Kind] = field(default_factory=dict)
    """What exit `stale` gives, where the host is away: outputs as they were last told, and when."""
    optional: frozenset[str] = frozenset()
    """Inputs that may be left out."""
    optional_out: frozenset[str] = frozenset()
    """Outputs that an approval may lack."""
    rows: Mapping[str, RowShape] = field(default_factory=lambda: MappingProxyType({}))
    """Columns of the output that is a list; at most one."""
    last_without: str | None = None
    """Optional output whose absence means that no page follows: exit `last`."""
    line: int = 0
    """Line in services.yaml, for error messages."""

    def given(self, exit_name: str) -> Mapping[str, Kind]:
        """The variables that an exit sets, by kind."""
        if exit_name == STALE:
            return self.last_known
        return self.outputs if exit_name in self.out_on else {}

    @property
    def gives(self) -> Mapping[str, Kind]:
        """The variables that any exit may set, by kind."""
        return {**self.outputs, **self.last_known}

    @property
    def expires(self) -> bool:
        """Whether its answer says until when a report of loss holds: ours, not the host's."""
        return self.hot_lists is not None and self.outputs.get(EXPIRY) == "date"

    @property
    def from_host(self) -> Mapping[str, Kind]:
        """The outputs that the host gives."""
        ours = {EXPIRY} if self.expires else set[str]()
        return {name: kind for name, kind in self.outputs.items() if name not in ours}

    def served_on(self, channel: str) -> bool:
        """Whether a channel may ask for it."""
        return not self.channels or channel in self.channels

    def exit_for(self, outcome: Outcome) -> str:
        """The menu's exit for an outcome. Unknown and NotSent are never mixed up for money."""
        match outcome:
            case Approved(data=data):
                return self._approved(data)
            case Declined(reason=reason):
                fallback = "unavailable" if self.effect == "read" else "refused"
                return reason if reason in self.outcomes else fallback
            case Unknown():
                return self._without_answer("in_doubt")
            case NotSent():
                return self._without_answer("not_done")

    def _approved(self, data: Values) -> str:
        """`none` without rows, `last` where no page follows, else `ok`."""
        if "none" in self.outcomes and any(data.get(name) == () for name in self.rows):
            return "none"
        ends = self.last_without is not None and self.last_without not in data
        return "last" if ends else "ok"

    def _without_answer(self, word: str) -> str:
        if self.effect == "money":
            return word
        return "stored" if self.recovery == "repeat" else "unavailable"


@dataclass(frozen=True, slots=True)
class Contracts:
    """All services by name."""

    services: Mapping[str, Service]

    def __getitem__(self, name: str) -> Service:
        return self.services[name]

    def __contains__(self, name: object) -> bool:
        return name in self.services

    def quoted_money(self, quote_service: str) -> Service | None:
        """The money service that `quote_service` gives terms for."""
        for service in self.services.values():
            if service.quoted_by == quote_service:
                return service
        return None


_KEYS = frozenset(
    {"version", "in", "out", "effect", "recovery", "outcomes", "auth", "customer", "grants"}
    | {
        "attempts",
        "quoted_by",
        "must_read_back",
        "guard",
        "limits",
        "source",
        "hot_lists",
        "decides",
        "channels",
        "out_on",
        "last_without",
        "telephone_pin",
        "replaces_pin",
        "last_known",
    }
)


def load_contracts(path: Path) -> Contracts:
    """Read and check services.yaml; raises `ContractError` naming file, line and the mend."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ContractError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        document: Any = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise ContractError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ContractError(f"{path}:1: must begin with `schema: {SCHEMA}`")
    raw = document.get("services")
    if not isinstance(raw, CommentedMap) or not 0 < len(raw) <= MAX_SERVICES:
        raise ContractError(f"{path}: `services` must map 1 to {MAX_SERVICES} names to contracts")
    services: dict[str, Service] = {}
    for name, entry in raw.items():
        line = int(raw.lc.key(name)[0]) + 1
        services[str(name)] = _service(str(name), entry, line, f"{path}:{line}: {name}")
    contracts = Contracts(MappingProxyType(services))
    for service in services.values():
        _check(service, contracts, f"{path}:{service.line}: {service.name}")
    return contracts


def _service(name: str, entry: Any, line: int, where: str) -> Service:
    if not isinstance(entry, dict):
        raise ContractError(f"{where}: a contract is a mapping with in, out, effect, outcomes")
    unknown = set(entry) - _KEYS
    if unknown:
        raise ContractError(f"{where}: unknown key {sorted(unknown)[0]!r}; remove or correct it")
    missing = {"version", "in", "out", "effect", "recovery", "outcomes"} - set(entry)
    if missing:
        raise ContractError(f"{where}: needs {', '.join(sorted(missing))}")
    if entry["effect"] == "money" and "limits" not in entry:
        raise ContractError(f"{where}: needs `limits`; write [] and why, where there is none")
    try:
        auth = AuthLevel(entry.get("auth", "none"))
        grants = AuthLevel(entry["grants"]) if "grants" in entry else None
    except ValueError as error:
        raise ContractError(f"{where}: {error}; use none, pin or second_factor") from error
    takes = _declared(entry["in"], f"{where}: in", lists=False)
    gives = _declared(entry["out"], f"{where}: out", lists=True)
    return Service(
        name=name,
        version=int(entry["version"]),
        inputs=takes.kinds,
        outputs=gives.kinds,
        optional=takes.optional,
        optional_out=gives.optional,
        rows=gives.rows,
        last_without=entry.get("last_without"),
        effect=_one_of(entry["effect"], Effect, f"{where}: effect"),
        recovery=_one_of(entry["recovery"], Recovery, f"{where}: recovery"),
        outcomes=_words(entry["outcomes"], f"{where}: outcomes"),
        auth=auth,
        customer=entry.get("customer"),
        grants=grants,
        attempts=entry.get("attempts"),
        quoted_by=entry.get("quoted_by"),
        must_read_back=_words(entry.get("must_read_back", []), f"{where}: must_read_back"),
        guard=_words(entry.get("guard", []), f"{where}: guard"),
        limits=_words(entry.get("limits", []), f"{where}: limits"),
        source=_one_of(entry.get("source", "host"), Source, f"{where}: source"),
        hot_lists=entry.get("hot_lists"),
        decides=_decides(entry, f"{where}: decides"),
        channels=_words(entry.get("channels", []), f"{where}: channels"),
        out_on=_words(entry.get("out_on", ["ok"]), f"{where}: out_on"),
        telephone_pin=entry.get("telephone_pin"),
        replaces_pin=entry.get("replaces_pin"),
        last_known=_declared(
            entry.get("last_known", {}), f"{where}: last_known", lists=False
        ).kinds,
        line=line,
    )


def _decides(entry: Any, where: str) -> Any:
    return _one_of(entry["decides"], Decided, where) if "decides" in entry else None


def _one_of(value: Any, literal: Any, where: str) -> Any:
    allowed = get_args(literal)
    if value not in allowed:
        raise ContractError(f"{where}: {value!r} is not one of {', '.join(allowed)}")
    return value


def _declared(raw: Any, where: str, *, lists: bool) -> Declared:
    try:
        return declared(raw, lists=lists)
    except KindError as error:
        raise ContractError(f"{where}: {error}") from error


def _words(raw: Any, where: str) -> tuple[str, ...]:
    """A list of words; one word without brackets would be taken for its letters."""
    if not isinstance(raw, list) or not all(isinstance(word, str) for word in raw):
        raise ContractError(f"{where}: must be a list of words in brackets, such as [a, b]")
    return tuple(str(word) for word in raw)


def _check(service: Service, contracts: Contracts, where: str) -> None:
    if service.effect == "money":
        _check_money(service, contracts, where)
    if service.effect != "read" and service.recovery == "none":
        raise ContractError(f"{where}: effect {service.effect} needs a recovery")
    if service.effect == "state" and service.recovery == "reverse":
        raise ContractError(f"{where}: a change of state is never reversed; use repeat or person")
    if service.effect == "read" and "unavailable" not in service.outcomes:
        raise ContractError(f"{where}: a read needs the outcome `unavailable`")
    if not set(service.out_on) <= set(service.outcomes):
        raise ContractError(f"{where}: `out_on` names an exit that `outcomes` does not have")
    if service.recovery == "repeat" and "stored" not in service.outcomes:
        raise ContractError(f"{where}: recovery repeat needs the outcome `stored`")
    _check_local(service, where)
    _check_decides(service, where)
    _check_lists(service, where)
    _check_names(service, contracts, where)


def _check_names(service: Service, contracts: Contracts, where: str) -> None:
    """The terms that the contract names are there, and are always given.

    Only an optional input of the quote may be read back: where the quote's call passes it.
    """
    terms = {**service.inputs, **service.outputs}
    lacking = service.optional | service.optional_out
    may_lack: frozenset[str] = frozenset()
    if service.quoted_by in contracts:
        quote = contracts[str(service.quoted_by)]
        terms |= {**quote.inputs, **quote.outputs}
        lacking |= quote.optional | quote.optional_out
        may_lack = quote.optional - quote.optional_out
        for both in sorted(set(quote.inputs) & set(quote.outputs)):
            raise ContractError(
                f"{where}: {quote.name} takes {both!r} and gives it; give the output another name"
            )
    named = {service.customer, service.hot_lists, *service.guard}
    for name in (*named, *service.must_read_back):
        if name is not None and name not in terms:
            raise ContractError(f"{where}: {name!r} is no input or output of it or of its quote")
        if name in lacking and (name in named or name not in may_lack):
            raise ContractError(f"{where}: {name!r} may be left out, so nothing can rest on it")
    for name in service.guard:
        if name not in (service.customer, *service.must_read_back) and terms[name] != "card_no":
            raise ContractError(
                f"{where}: `must_read_back` leaves out {name!r}, which `guard` names: "
                f"the caller must hear who or what is paid"
            )


def _check_lists(service: Service, where: str) -> None:
    """One list, of a read; the exit `last` where the contract says what ends the pages."""
    if len(service.rows) > 1:
        raise ContractError(f"{where}: more than one list; give each a service of its own")
    if service.rows and service.effect != "read":
        raise ContractError(f"{where}: only a read gives rows")
    ends = service.last_without
    if ends is not None and ends not in service.optional_out:
        raise ContractError(f"{where}: `last_without` must name an optional output, such as text?")
    if (ends is not None) != ("last" in service.outcomes):
        raise ContractError(f"{where}: `last_without` and the outcome `last` go together")
    if ends is not None and not {"ok", "last"} <= set(service.out_on):
        raise ContractError(f"{where}: write `out_on: [ok, last]`: both give the rows")


def _check_decides(service: Service, where: str) -> None:
    if service.decides is None:
        return
    if service.effect != "state" or service.inputs.get(service.customer or "") != "card_no":
        raise ContractError(
            f"{where}: what decides on a report has effect state, and `customer` names its card"
        )
    if not service.channels or TELEPHONE in service.channels:
        raise ContractError(
            f"{where}: what decides on a report names its `channels`, and never {TELEPHONE}"
        )


def _check_money(service: Service, contracts: Contracts, where: str) -> None:
    if service.outcomes != MONEY_OUTCOMES:
        raise ContractError(f"{where}: a money service's outcomes are exactly {MONEY_OUTCOMES}")
    if service.quoted_by not in contracts:
        raise ContractError(f"{where}: `quoted_by` must name the read that gives its terms")
    if not service.must_read_back:
        raise ContractError(f"{where}: `must_read_back` must name what the caller confirms")


def _check_local(service: Service, where: str) -> None:
    """What is verified and told here needs somebody whose it is, and tries that are counted."""
    for key, name in (
        ("telephone_pin", service.telephone_pin),
        ("replaces_pin", service.replaces_pin),
    ):
        if name is not None and (service.inputs.get(name) != "secret" or service.customer is None):
            raise ContractError(f"{where}: `{key}` names a secret input, and needs `customer`")
    counted = service.attempts is not None and "wrong_pin" in service.outcomes
    if service.telephone_pin is not None and not counted:
        raise ContractError(f"{where}: `telephone_pin` needs `attempts` and outcome `wrong_pin`")
    if bool(service.last_known) != (STALE in service.outcomes) or STALE in service.out_on:
        raise ContractError(
            f"{where}: outcome `{STALE}` gives what `last_known` lists, and only it"
        )
    if not service.last_known:
        return
    if service.effect != "read" or service.auth is AuthLevel.NONE or service.customer is None:
        raise ContractError(f"{where}: `last_known` is for reads with `auth` and `customer`")
    amounts = {name: kind for name, kind in service.outputs.items() if kind == "money"}
    own = {TOLD_ON: "date", TOLD_AT: "time"}
    told = dict(service.last_known)
    if not own.items() <= told.items() or not told.items() <= {**amounts, **own}.items():
        raise ContractError(
            f"{where}: `last_known` lists money outputs, `{TOLD_ON}: date` and `{TOLD_AT}: time`"
        )
