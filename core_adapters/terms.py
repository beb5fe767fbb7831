"""What a request of a service carries: its inputs, and the terms of its quote."""

from collections.abc import Mapping

from transactions.contract import Contracts, Kind


def terms_of(name: str, contracts: Contracts) -> Mapping[str, Kind]:
    """Names and kinds of what a request of the service may carry."""
    contract = contracts[name]
    terms: dict[str, Kind] = dict(contract.inputs)
    if contract.quoted_by in contracts:
        quote = contracts[str(contract.quoted_by)]
        terms |= {**quote.inputs, **quote.outputs}
    return terms


def optional_terms(contracts: Contracts) -> Mapping[str, frozenset[str]]:
    """By service: which of them a request may lack."""
    found: dict[str, frozenset[str]] = {}
    for name, contract in contracts.services.items():
        lacking = contract.optional
        if contract.quoted_by in contracts:
            quote = contracts[str(contract.quoted_by)]
            lacking |= quote.optional | quote.optional_out
        if lacking:
            found[name] = lacking
    return found
