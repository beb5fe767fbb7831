"""Checks of contracts about people: own services, proof, second persons, who is counted."""

from transactions.proposals import COMPANY, MAKER, PROPOSED_AS, term_names
from transactions.request import AuthLevel
from transactions.service import ContractError, Contracts, Service

PROVE = "prove"
"""Exit: what is asked needs a second factor first."""


def check_own(service: Service, where: str) -> None:
    """What the node answers itself has no row, so there is nothing to recover or to quote."""
    if service.effect == "money" or service.recovery != "none":
        raise ContractError(f"{where}: source own is a read or a state, with recovery none")
    if "unavailable" not in service.outcomes:
        raise ContractError(f"{where}: source own needs the outcome `unavailable`")


def check_proof(service: Service, contracts: Contracts, where: str) -> None:
    """Levels of proof, tries that are counted together, tiers."""
    if service.grants is not None and service.customer is None:
        raise ContractError(f"{where}: `grants` needs `customer`: whose proof it is")
    if not set(service.grants_on) <= set(service.outcomes) and service.grants is not None:
        raise ContractError(f"{where}: `grants_on` names an exit that `outcomes` does not have")
    if not set(service.right_on) <= set(service.outcomes):
        raise ContractError(f"{where}: `right_on` names an exit that `outcomes` does not have")
    _check_tries(service, contracts, where)
    _check_lifts(service, contracts, where)
    _check_tier(service, contracts, where)
    if service.source != "own" and "card_no" in service.outputs.values():
        raise ContractError(f"{where}: only source own gives a card_no")
    if "secret" in service.outputs.values():
        raise ContractError(f"{where}: no service gives a secret")


def _check_tries(service: Service, contracts: Contracts, where: str) -> None:
    if service.counts_with is None:
        return
    other = contracts.services.get(service.counts_with)
    if other is None or other.counts_with is not None or other.attempts != service.attempts:
        raise ContractError(
            f"{where}: `counts_with` names one that counts for itself, with as many `attempts`"
        )


def _check_lifts(service: Service, contracts: Contracts, where: str) -> None:
    if service.lifts is None:
        return
    other = contracts.services.get(service.lifts)
    if other is None or other.counts_with is not None or other.attempts is None:
        raise ContractError(f"{where}: `lifts` names one that counts `attempts` for itself")
    sure = service.auth is not AuthLevel.NONE and service.customer is not None
    if service.effect != "state" or service.source == "own" or not sure:
        raise ContractError(f"{where}: `lifts` is of a host's state, with `auth` and `customer`")
    if service.attempts is None or service.counts_with is not None:
        raise ContractError(f"{where}: `lifts` needs `attempts` of its own: how often in a day")


def _check_tier(service: Service, contracts: Contracts, where: str) -> None:
    if service.second_factor_above is None:
        return
    asked = contracts.services.get(service.quoted_by or "", service)
    if service.effect == "read" or PROVE not in asked.outcomes:
        raise ContractError(
            f"{where}: `second_factor_above` is of money or state, and needs the outcome "
            f"`{PROVE}` of {asked.name}"
        )
    if service.effect == "money" and PROVE not in asked.out_on:
        raise ContractError(f"{where}: the exit `{PROVE}` of {asked.name} gives its outputs")
    sure = service.inputs.keys() - service.optional  # a fee may be told beside it
    amounts = [name for name in sure if service.inputs[name] == "money"]
    if service.effect == "state" and len(amounts) != 1:
        raise ContractError(f"{where}: `second_factor_above` needs exactly one amount")


def check_people(service: Service, contracts: Contracts, where: str) -> None:
    """Proposals of one person that another one approves."""
    if service.approved_by is not None:
        if service.effect != "money" or service.inputs.get(service.approved_by) != "digits":
            raise ContractError(f"{where}: `approved_by` names an input of digits, of money")
        if service.auth is AuthLevel.NONE or service.customer is None:
            raise ContractError(f"{where}: who approves needs `auth` and `customer`")
        if COMPANY not in service.told_by:
            raise ContractError(f"{where}: who approves needs `told_by` of {COMPANY!r}: of his own")
        quote = contracts[str(service.quoted_by)]
        for name in (COMPANY, MAKER):
            if name in {**service.inputs, **quote.inputs, **quote.outputs}:
                raise ContractError(f"{where}: {name!r} comes from the proposal; rename the term")
    if service.proposes is not None:
        _check_proposing(service, contracts, where)


def _check_proposing(service: Service, contracts: Contracts, where: str) -> None:
    money = contracts.services.get(service.proposes or "")
    if money is None or money.approved_by is None or money.quoted_by not in contracts:
        raise ContractError(f"{where}: `proposes` names a money service that is `approved_by`")
    quote = contracts[str(money.quoted_by)]
    terms = {**quote.inputs, **quote.outputs}
    for name in term_names(money, contracts):
        if service.inputs.get(name) != terms[name]:
            raise ContractError(f"{where}: must take {name!r} ({terms[name]}), as it is approved")
        if (name in service.optional) != (name in quote.optional):
            raise ContractError(f"{where}: {name!r} may be left out in {quote.name} and here alike")
    for name in PROPOSED_AS.values():
        if service.inputs.get(name) != "digits":
            raise ContractError(f"{where}: must take {name!r} (digits)")


def check_limits(service: Service, contracts: Contracts, where: str) -> None:
    """What a limit is counted by is there."""
    terms = set(service.inputs)
    if service.quoted_by in contracts:
        quote = contracts[str(service.quoted_by)]
        terms |= {*quote.inputs, *quote.outputs}
    if service.approved_by is not None:
        terms |= {COMPANY, MAKER}
    for limit, names in service.limit_by.items():
        if limit not in service.limits:
            raise ContractError(f"{where}: `limit_by` names {limit!r}, which `limits` does not")
        if not names or not set(names) <= terms:
            raise ContractError(f"{where}: `limit_by` {limit}: names terms of it or of its quote")


def check_told(service: Service, contracts: Contracts, where: str) -> None:
    """What must be told by the host is told of the customer's card, under the same name."""
    if service.told_by and service.customer is None:
        raise ContractError(f"{where}: `told_by` needs `customer`: of whom it is told")
    terms: set[str] = {*service.inputs, *({COMPANY} if service.approved_by is not None else ())}
    for name, sources in service.told_by.items():
        if (name in terms) == (name in service.told_as):
            raise ContractError(
                f"{where}: `told_by` {name}: is a term of it, or has its words in `told_as`"
            )
        for source in sources:
            other = contracts.services.get(source)
            if other is None or other.customer is None or other.source != "host":
                raise ContractError(f"{where}: `told_by` {name}: names services of the host")
            if name not in other.outputs:
                raise ContractError(f"{where}: `told_by` {name}: {source} does not tell it")
    if not all(service.told_by.values()) or not set(service.told_as) <= set(service.told_by):
        raise ContractError(f"{where}: `told_by` names who tells it, of all in `told_as` too")
