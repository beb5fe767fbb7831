"""Contracts of banking services: what each takes, gives and does, read from services.yaml."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from transactions.contract_checks import check
from transactions.hot_list import Decided
from transactions.kinds import Declared, Kind, KindError, RowShape, declared
from transactions.request import AuthLevel
from transactions.service import (
    MONEY_OUTCOMES,
    STALE,
    TOLD_AT,
    TOLD_ON,
    ContractError,
    Contracts,
    Effect,
    Recovery,
    Service,
    Source,
)
from transactions.yaml_text import read_yaml

__all__ = [
    "MONEY_OUTCOMES",
    "STALE",
    "TOLD_AT",
    "TOLD_ON",
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
        "grants_on",
        "counts_with",
        "lifts",
        "right_on",
        "second_factor_above",
        "approved_by",
        "proposes",
        "limit_by",
        "told_by",
        "told_as",
    }
)


def load_contracts(path: Path) -> Contracts:
    """Read and check services.yaml; raises `ContractError` naming file, line and the mend."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ContractError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        document: Any = read_yaml(path.read_text(encoding="utf-8"))
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
        check(service, contracts, f"{path}:{service.line}: {service.name}")
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
        raise ContractError(f"{where}: {error}; use none, code, pin or second_factor") from error
    takes = _declared(entry["in"], f"{where}: in", lists=False)
    gives = _declared(entry["out"], f"{where}: out", lists=True)
    guard, guard_payer = _guard(entry.get("guard", []), f"{where}: guard")
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
        guard=guard,
        guard_payer=guard_payer,
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
        grants_on=_words(entry.get("grants_on", ["ok"]), f"{where}: grants_on"),
        counts_with=entry.get("counts_with"),
        lifts=entry.get("lifts"),
        right_on=_words(entry.get("right_on", []), f"{where}: right_on"),
        second_factor_above=entry.get("second_factor_above"),
        approved_by=entry.get("approved_by"),
        proposes=entry.get("proposes"),
        limit_by=_lists(
            *(entry.get("limit_by", {}), f"{where}: limit_by"),
            "maps a limit to the terms that it is counted by",
        ),
        told_by=_lists(
            *(entry.get("told_by", {}), f"{where}: told_by"),
            "maps a term to the services that tell it",
        ),
        told_as=_lists(
            *(entry.get("told_as", {}), f"{where}: told_as"),
            "maps what is told to the words that it must be",
        ),
        line=line,
    )


def _guard(raw: Any, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All its terms, and those of the payer: a list has none of its own, as the customer is it."""
    if not isinstance(raw, dict):
        return _words(raw, where), ()
    if set(raw) != {"payer", "payee", "amount"} or not isinstance(raw["amount"], str):
        raise ContractError(
            f"{where}: is a list, or {{payer: [terms], payee: [terms], amount: term}}"
        )
    payer = _words(raw["payer"], f"{where}: payer")
    payee = _words(raw["payee"], f"{where}: payee")
    if not payer or not payee or len({*payer, *payee, raw["amount"]}) != len(payer + payee) + 1:
        raise ContractError(f"{where}: payer and payee name terms, and none of them twice")
    return (*payer, *payee, raw["amount"]), payer


def _lists(raw: Any, where: str, does: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(raw, dict):
        raise ContractError(f"{where}: {does}")
    read = {str(name): _words(terms, f"{where}: {name}") for name, terms in raw.items()}
    return MappingProxyType(read)


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
