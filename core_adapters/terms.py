"""What a request of a service carries: its inputs, the terms of its quote and of a proposal."""

from collections.abc import Mapping

from transactions.contract import Contracts, Kind, Service
from transactions.proposals import COMPANY, MAKER
from transactions.quotes import quote_name


def terms_of(name: str, contracts: Contracts) -> Mapping[str, Kind]:
    """Names and kinds of what a request of the service may carry."""
    contract = contracts[name]
    terms: dict[str, Kind] = dict(contract.inputs)
    if contract.quoted_by in contracts:
        quote = contracts[str(contract.quoted_by)]
        terms |= {**quote.inputs, **quote.outputs}
    if contract.approved_by is not None:
        terms |= dict.fromkeys((COMPANY, MAKER), "digits")
    return terms


def not_hosted(contract: Service) -> str:
    """Why no host serves it, as a complaint about a profile that says one does."""
    return (
        f"no host is asked for it (source {contract.source}: this node answers); take it out of "
        "this profile"
    )


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


def handles(contract: Service, contracts: Contracts) -> frozenset[str]:
    """Outputs that the host finds again what they stand for by, so that they stay as they are: the
    cursor of the next page, and the quote that a money service gives back."""
    money = contracts.quoted_money(contract.name)
    names = {contract.last_without, quote_name(money, contracts) if money is not None else None}
    return frozenset(name for name in names if name is not None)
