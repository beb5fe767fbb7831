"""Whether a profile and the contracts of services fit each other."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from core_adapters.iso8583.format.templates import Input, ReplySource, Source, Template
from core_adapters.iso8583.profile import Profile, ServiceMap
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import nearest
from core_adapters.terms import not_hosted, terms_of
from transactions.contract import Contracts, Kind, RowShape, Service

PIN_FIELD = 52
EDITION = 1987
PART_OF: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {"currency": ("money", "word"), "full": ("money",)}
)
"""Kinds of which `$name.part` can be had."""


def check_services(profile: Profile, contracts: Contracts) -> None:
    """Raise `ProfileError` where a service of the profile does not fit its contract."""
    if profile.edition != EDITION:
        raise ProfileError(
            f"profile {profile.name}: messages of edition {profile.edition} are only encoded and "
            f"decoded; a gateway speaks edition {EDITION}"
        )
    for service in profile.services.values():
        where = f"{service.place or profile.name}: {service.name}"
        if service.name not in contracts:
            raise ProfileError(f"{where}: has no contract in services.yaml; add one or remove this")
        contract = contracts[service.name]
        if contract.source != "host":
            raise ProfileError(f"{where}: {not_hosted(contract)}")
        if contract.version != service.version:
            raise ProfileError(
                f"{where}: version {service.version}, but the contract has {contract.version}"
            )
        _check_outputs(profile, service, contract, where)
        if contract.recovery == "repeat" and not service.repeat_mti:
            raise ProfileError(f"{where}: recovery repeat needs `repeat_mti`")
        _check_inputs(profile, service, terms_of(service.name, contracts), where)


def _check_outputs(profile: Profile, service: ServiceMap, contract: Service, where: str) -> None:
    missing = set(contract.from_host) - contract.optional_out - set(service.reply)
    if missing:
        raise ProfileError(f"{where}: `reply` does not say where {min(missing)!r} is")
    for name, source in service.reply.items():
        shape = contract.rows.get(name)
        if bool(source.columns) != (shape is not None) and name in contract.outputs:
            form = "a list: {field: 120, rows: {…}}" if shape else "no list; name its field"
            raise ProfileError(f"{where}: reply {name}: in the contract it is {form}")
        if source.full and contract.outputs.get(name) != "money":
            raise ProfileError(f"{where}: reply {name}: `.full` is of money, which this is not")
        if shape is not None:
            _check_columns(source, shape, f"{where}: reply {name}")


def _check_columns(source: ReplySource, shape: RowShape, where: str) -> None:
    unknown = set(source.columns) - set(shape.columns)
    if unknown:
        near = nearest(min(unknown), shape.columns)
        raise ProfileError(f"{where}: {min(unknown)!r} is no column in the contract{near}")
    missing = set(shape.columns) - shape.optional - set(source.columns)
    if missing:
        raise ProfileError(f"{where}: does not say where the column {min(missing)!r} is")


def _check_inputs(
    profile: Profile, service: ServiceMap, terms: Mapping[str, Kind], where: str
) -> None:
    for number, template in service.request.items():
        for sub, source in _sources(template):
            if not isinstance(source, Input):
                continue
            kind = terms.get(source.name)
            path = f"{number}.{sub}" if sub else str(number)
            if kind is None:
                known = f"its inputs are {', '.join(f'${name}' for name in terms) or 'none'}"
                why = f"${source.name} is no input of it; {known}{nearest(source.name, terms)}"
                raise ProfileError(f"{where}: field {path}: {why}")
            if source.part and kind not in PART_OF[source.part]:
                of = " or ".join(PART_OF[source.part])
                why = f"${source.name} is {kind}, `.{source.part}` is of {of}"
                raise ProfileError(f"{where}: field {path}: {why}")
            if (kind == "secret") != _is_pin_block(profile, number, sub):
                raise ProfileError(
                    f"{where}: field {path}: a secret, and nothing else, goes to field 52 or to a "
                    "subfield that holds a pin_block"
                )


def _is_pin_block(profile: Profile, number: int, sub: str) -> bool:
    if not sub:
        return number == PIN_FIELD
    part = profile.fields[number].part(sub)
    return part is not None and part.holds == "pin_block"


def _sources(template: Template) -> Iterator[tuple[str, Source]]:
    if isinstance(template, Mapping):
        yield from template.items()
    else:
        yield "", template
