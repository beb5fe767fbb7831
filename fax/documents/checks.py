"""The catalogue against the contracts of the services that it asks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fax.documents.kinds import DocumentKind, Part, takes
from fax.documents.reading import nearest
from transactions.kinds import Kind
from transactions.service import Service

Services = Mapping[str, Service]
"""Contracts by name, as `transactions.contract.Contracts.services` has them."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something in the catalogue that no service gives, takes or does."""

    line: int
    """In the catalogue's file, from 1."""
    problem: str
    mend: str
    """What to do."""


def complaints(kinds: Mapping[str, DocumentKind], contracts: Services) -> list[Complaint]:
    """What would not work when a document is asked for, in the file's order."""
    return [found for kind in kinds.values() for found in _kind(kind, contracts)]


def _kind(kind: DocumentKind, contracts: Services) -> Iterator[Complaint]:
    outputs: dict[str, Kind] = {}
    for part in kind.parts:
        service = contracts.get(part.service)
        if service is None:
            mend = f"write one of config/services.yaml{nearest(part.service, contracts)}"
            yield _complaint(kind, part.line, f"there is no service {part.service}", mend)
            continue
        outputs.update(service.outputs)
        yield from _inputs(kind, part, service)
        yield from _exits(kind, part, service)
        yield from _columns(kind, part, service)
    if all(part.service in contracts for part in kind.parts):
        yield from _facts(kind, outputs)


def _facts(kind: DocumentKind, outputs: Mapping[str, Kind]) -> Iterator[Complaint]:
    """Of what the menu gives, the menus have the kind: `telebank.flow.check.faxes`."""
    given = {*kind.needs, *kind.may}
    for fact in kind.facts:
        if fact.of in given:
            continue
        if fact.of in outputs:
            yield from _form(kind, fact.line, fact.of, fact.form, outputs[fact.of])
        else:
            mend = f"name an output or a value given{nearest(fact.of, {*outputs, *given})}"
            yield _complaint(kind, fact.line, f"the fact {fact.of!r} is given by nobody", mend)


def _inputs(kind: DocumentKind, part: Part, service: Service) -> Iterator[Complaint]:
    for name in part.inputs:
        if name not in service.inputs:
            mend = f"remove or correct it{nearest(name, service.inputs)}"
            yield _complaint(kind, part.line, f"{service.name} takes no {name!r}", mend)
    for name in service.inputs:
        if name not in part.inputs and name not in service.optional:
            mend = f"write `in: {{{name}: $…}}`"
            yield _complaint(kind, part.line, f"{service.name} needs {name!r}", mend)
    if service.effect != "read":
        mend = "take the values that the menu has after it instead"
        yield _complaint(kind, part.line, f"{service.name} is no read", mend)


def _exits(kind: DocumentKind, part: Part, service: Service) -> Iterator[Complaint]:
    for name in sorted(part.none - {*service.outcomes}):
        mend = f"name one of {', '.join(service.outcomes)}"
        yield _complaint(kind, part.line, f"{service.name} has no exit {name!r}", mend)


def _columns(kind: DocumentKind, part: Part, service: Service) -> Iterator[Complaint]:
    if not part.rows:
        return
    shape = service.rows.get(part.rows)
    if shape is None:
        mend = f"name the output that is a list{nearest(part.rows, service.rows)}"
        yield _complaint(kind, part.line, f"{service.name} gives no list {part.rows!r}", mend)
        return
    for column in part.columns:
        if column.of not in shape.columns:
            mend = f"name one of {', '.join(shape.columns)}"
            yield _complaint(kind, column.line, f"{part.rows} has no column {column.of!r}", mend)
        else:
            yield from _form(kind, column.line, column.of, column.form, shape.columns[column.of])


def _form(kind: DocumentKind, line: int, name: str, form: str, given: Kind) -> Iterator[Complaint]:
    if given not in takes(form):
        mend = f"print a {given} otherwise"
        yield _complaint(kind, line, f"{name!r} is a {given}, and `as: {form}` prints none", mend)


def _complaint(kind: DocumentKind, line: int, problem: str, mend: str) -> Complaint:
    return Complaint(line, f"{kind.name}: {problem}", mend)
