"""Tellers' articles with the settings in force: where they are, and which figures they name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from telebank.calls.forms.making import why_not
from telebank.knowledge.load import KnowledgeError, faults
from telebank.knowledge.source import Source
from telebank.settings import Settings, effective_config, seed_dir
from transactions.contract import ContractError, load_contracts
from transactions.money import Money

FOLDER = "knowledge"


def source_of(data: Path, settings: Settings) -> Source:
    """The shipped articles under those of DATA/config/knowledge."""
    return Source((seed_dir() / FOLDER, data / "config" / FOLDER), facts_of(settings))


def facts_of(settings: Settings) -> Mapping[str, str]:
    """What texts name as `{section.key}`: the figures that customers ask for, as people read them,
    amounts without their currency."""
    proof, limits = settings.transactions.second_factor, settings.transactions.limits
    amounts = {f"limits.{name}": amount for name, amount in limits.items()}
    amounts |= {f"second_factor.{name}": amount for name, amount in proof.items()}
    amounts["orders.fee_most"] = Money.parse(settings.orders.fee_most)
    numbers = {
        "loss.telephone_valid_days": settings.loss.telephone_valid_days,
        "codes.valid_s": settings.codes.valid_s,
        "codes.wrong_max": settings.codes.wrong_max,
        "codes.hourly": settings.codes.hourly,
        "codes.daily": settings.codes.daily,
        "payees.cooling_hours": settings.payees.cooling_hours,
        "payees.most": settings.payees.most,
        "orders.grace_days": settings.orders.grace_days,
        "orders.most": settings.orders.most,
        "approvals.valid_days": settings.approvals.valid_days,
        "fax.tries": settings.fax.tries,
    }
    shown = {name: f"{amount.decimal:,}" for name, amount in amounts.items()}
    return MappingProxyType(shown | {name: f"{number:g}" for name, number in numbers.items()})


def findings(data: Path, settings: Settings) -> Iterator[str]:
    """What is wrong with the articles, each with its place; none: they can be used."""
    try:
        book = source_of(data, settings).load()
    except KnowledgeError as error:
        yield from error.findings
        return
    config = effective_config(data)
    try:
        contracts = load_contracts(config / "services.yaml")
    except (ContractError, OSError) as error:
        yield f"services of articles cannot be looked up: {error}"
        return
    services = {name: why_not(one, contracts) for name, one in contracts.services.items()}
    yield from faults(book, services, {path.stem for path in (config / "flows").glob("*.yaml")})
