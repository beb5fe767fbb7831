"""Whether a profile and the contracts of services fit each other."""

from collections.abc import Iterator, Mapping

from core_adapters.iso8583.profile import Profile, ServiceMap
from core_adapters.iso8583.templates import Input, Source, Template
from core_adapters.profiles.errors import ProfileError
from transactions.contract import Contracts, Kind

PIN_BLOCK = 52


def check_services(profile: Profile, contracts: Contracts) -> None:
    """Raise `ProfileError` where a service of the profile does not fit its contract."""
    for service in profile.services.values():
        where = f"profile {profile.name}:{service.line}: {service.name}"
        if service.name not in contracts:
            raise ProfileError(f"{where}: has no contract in services.yaml; add one or remove this")
        contract = contracts[service.name]
        if contract.version != service.version:
            raise ProfileError(
                f"{where}: version {service.version}, but the contract has {contract.version}"
            )
        missing = set(contract.outputs) - set(service.reply)
        if missing:
            raise ProfileError(f"{where}: `reply` does not say where {min(missing)!r} is")
        if contract.recovery == "repeat" and not service.repeat_mti:
            raise ProfileError(f"{where}: recovery repeat needs `repeat_mti`")
        _check_inputs(service, _terms(service.name, contracts), where)


def _terms(name: str, contracts: Contracts) -> Mapping[str, Kind]:
    """Names that a request of the service carries: its inputs and its quote's terms."""
    contract = contracts[name]
    terms: dict[str, Kind] = dict(contract.inputs)
    if contract.quoted_by in contracts:
        quote = contracts[str(contract.quoted_by)]
        terms |= {**quote.inputs, **quote.outputs}
    return terms


def _check_inputs(service: ServiceMap, terms: Mapping[str, Kind], where: str) -> None:
    for number, template in service.request.items():
        for source in _sources(template):
            if not isinstance(source, Input):
                continue
            kind = terms.get(source.name)
            if kind is None:
                raise ProfileError(f"{where}: field {number}: ${source.name} is no input of it")
            if (kind == "secret") != (number == PIN_BLOCK):
                raise ProfileError(
                    f"{where}: field {number}: a secret, and nothing else, goes to field 52"
                )


def _sources(template: Template) -> Iterator[Source]:
    if isinstance(template, Mapping):
        yield from template.values()
    else:
        yield template
