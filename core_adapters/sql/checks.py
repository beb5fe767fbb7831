"""Whether an SQL profile and the contracts of services fit each other."""

from collections.abc import Mapping

from core_adapters.profiles.errors import ProfileError
from core_adapters.sql.profile import Call, Profile, ServiceMap
from core_adapters.sql.statements import Source
from core_adapters.terms import not_hosted, terms_of
from transactions.contract import Contracts, Kind, Service


def check_profile(profile: Profile, contracts: Contracts, dialect: str) -> None:
    """Raise `ProfileError` where the profile does not fit the contracts, or lacks the dialect."""
    if dialect not in profile.dialects:
        known = ", ".join(profile.dialects)
        raise ProfileError(f"profile {profile.name}: has no dialect {dialect!r}; it has {known}")
    for service in profile.services.values():
        _check_service(profile, service, contracts)
    for name, call in (("status", profile.status), ("totals", profile.totals)):
        if call is not None:
            _check_known(profile, name, call)
    if profile.reversal is not None:
        _check_known(profile, "reversal", profile.reversal.call)


def _check_service(profile: Profile, service: ServiceMap, contracts: Contracts) -> None:
    where = f"profile {profile.name}:{service.line}: {service.name}"
    if service.name not in contracts:
        raise ProfileError(f"{where}: has no contract in services.yaml; add one or remove this")
    contract = contracts[service.name]
    _check_able(service, contract, where)
    missing = set(contract.from_host) - contract.optional_out - set(service.reply)
    if missing:
        raise ProfileError(f"{where}: `reply` does not say which column {min(missing)!r} is")
    if contract.recovery == "query" and profile.status is None:
        raise ProfileError(f"{where}: recovery query needs `status`")
    if contract.recovery == "reverse" and profile.reversal is None:
        raise ProfileError(f"{where}: recovery reverse needs `reversal`")
    terms = terms_of(service.name, contracts)
    for dialect, statements in service.call.sql.items():
        sources = [source for one in statements for source in one.sources]
        for source in sources:
            _check_source(source, terms, f"{where}: {dialect}")
        if contract.effect != "read" and not _has_id(sources):
            raise ProfileError(
                f"{where}: {dialect}: money and state need {{@request_id}}, or a repeat acts twice"
            )


def _check_able(service: ServiceMap, contract: Service, where: str) -> None:
    """What a database can be asked for at all."""
    if contract.source != "host":
        raise ProfileError(f"{where}: {not_hosted(contract)}")
    if contract.version != service.version:
        raise ProfileError(
            f"{where}: version {service.version}, but the contract has {contract.version}"
        )
    if contract.rows:
        raise ProfileError(
            f"{where}: gives a list ({min(contract.rows)}), and lists are read from ISO 8583 hosts "
            "only; take the service out of this profile"
        )


def _has_id(sources: list[Source]) -> bool:
    return any(source.known and source.name == "request_id" for source in sources)


def money_input(name: str, contracts: Contracts) -> str | None:
    """The input of a service that is its money: its own, else its quote's; fees are outputs."""
    contract = contracts[name]
    named = [contract.inputs]
    if contract.quoted_by in contracts:
        named.append(contracts[str(contract.quoted_by)].inputs)
    return next((one for inputs in named for one, kind in inputs.items() if kind == "money"), None)


def _check_source(source: Source, terms: Mapping[str, Kind], where: str) -> None:
    if source.known:
        return
    kind = terms.get(source.name)
    if kind is None:
        raise ProfileError(f"{where}: {{{source.name}}} is no input of it")
    if (kind == "secret") != source.secret:
        raise ProfileError(
            f"{where}: {source.name}: a secret, and nothing else, is written {{secret:name}}"
        )
    if source.currency and kind != "money":
        raise ProfileError(f"{where}: {{{source.name}.currency}}: {source.name} is no money")


def _check_known(profile: Profile, name: str, call: Call) -> None:
    """Status, reversal and totals know the request by its id alone: inputs may be gone by then."""
    where = f"profile {profile.name}:{call.line}: {name}"
    for statements in call.sql.values():
        sources = [source for one in statements for source in one.sources]
        if any(not source.known for source in sources):
            raise ProfileError(
                f"{where}: only {{@word}} parameters; the inputs may be gone by then"
            )
        if name != "totals" and not _has_id(sources):
            raise ProfileError(f"{where}: needs {{@request_id}}")
